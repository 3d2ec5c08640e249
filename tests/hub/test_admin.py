"""The pages of site admins, and the schema of the API. Real rows."""

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.test import Client, RequestFactory

from annotation import services as annotating
from annotation.models import Campaign, Membership
from hub.accounts.models import User
from tests import worlds
from tests.hub import rounds
from tests.hub.reading import text
from tests.hub.rounds import judged, listening


@pytest.fixture
def campaign(db: None) -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


@pytest.fixture
def simulated(campaign: Campaign) -> Membership:
    return annotating.add_member(campaign=campaign, kind="simulated", pseudonym="simulated-01")


def _form(campaign: Campaign) -> dict[str, object]:
    """A campaign's form as a browser sends it back unchanged."""
    form = site.get_model_admin(Campaign).get_form(RequestFactory().get("/"), campaign)(instance=campaign)
    sent = {field.html_name: field.value() for field in form}
    return {name: value for name, value in sent.items() if value is not None and value is not False}


class TestAdmin:
    @pytest.fixture
    def admin(self, db: None) -> Client:
        return worlds.signed_in(User.objects.create_superuser("root"))

    def test_every_list_opens(self, campaign: Campaign, admin: Client, simulated: Membership) -> None:
        judged(listening(campaign), simulated, "promoted", "child1", sdr_median=3.0)
        for model in [model for model in apps.get_models() if site.is_registered(model)]:
            url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            assert admin.get(url).status_code == 200, url
            if one := model._default_manager.first():
                assert admin.get(f"{url}{one.pk}/change/").status_code == 200, url

    @pytest.mark.parametrize(
        "name",
        [
            "annotation/submission",
            "annotation/consensus",
            "annotation/event",
            "learner/feedbackset",
            "learner/evaluation",
            "learner/checkpoint",
        ],
    )
    def test_what_is_only_added_to_cannot_be_touched(self, campaign: Campaign, admin: Client, simulated: Membership, name: str) -> None:
        judged(listening(campaign), simulated, "promoted", "child1", sdr_median=3.0)
        one = apps.get_model(name.replace("/", "."))._default_manager.all()[0]
        assert admin.get(f"/admin/{name}/add/").status_code == 403
        assert admin.post(f"/admin/{name}/{one.pk}/change/", {}).status_code == 403
        assert admin.post(f"/admin/{name}/{one.pk}/delete/", {"post": "yes"}).status_code == 403

    def test_a_setting_that_cannot_be_is_refused_at_its_field_and_in_words(self, campaign: Campaign, admin: Client) -> None:
        wrong = {"clip_seconds": 60, "clips_per_round": 0, "clips_per_track": 0, "random_share": 2, "choosing": "astrology"}
        page = admin.post(f"/admin/annotation/campaign/{campaign.pk}/change/", _form(campaign) | wrong)
        errors = page.context["adminform"].form.errors
        assert errors == {
            "clip_seconds": ["A clip lasts at most 30 seconds."],
            "clips_per_round": ["A round needs at least 1 clip; to stop the rounds, pause the campaign."],
            "clips_per_track": ["Allow at least 1 clip of a song in a round."],
            "random_share": ["The random share is from 0 to 1."],
            "choosing": ["Select a valid choice. astrology is not one of the available choices."],
        }

    def test_how_clips_are_chosen_is_changed_there_and_remembered(self, campaign: Campaign, admin: Client) -> None:
        wanted = {"choosing": "leak-aware", "clips_per_track": 5, "sound_as_witness": ""}
        assert admin.post(f"/admin/annotation/campaign/{campaign.pk}/change/", _form(campaign) | wanted).status_code == 302
        campaign.refresh_from_db()
        assert (campaign.choosing, campaign.clips_per_track, campaign.sound_as_witness) == ("leak-aware", 5, False)
        event = campaign.events.latest("pk")
        assert event.before and event.before["choosing"] == "expected"
        assert event.after and event.after["choosing"] == "leak-aware"

    def test_a_site_admin_lets_somebody_in_and_the_campaign_remembers(self, campaign: Campaign, admin: Client, owner: Client) -> None:
        user = worlds.user("new")
        row = {"campaign": campaign.pk, "user": user.pk, "role": "annotator", "kind": "human", "pseudonym": "newcomer", "active": "on"}
        assert admin.post("/admin/annotation/membership/add/", row).status_code == 302
        assert "newcomer joined as annotator" in text(owner, "/c/bleed/")


def test_the_schema_names_every_endpoint(owner: Client, capsys: pytest.CaptureFixture[str]) -> None:
    schema = owner.get("/api/schema/").content.decode()
    for path in ("/api/campaigns/{slug}/next/", *(f"/api/tasks/{{task_id}}/{what}/" for what in ("submission", "draft", "skip", "lease"))):
        assert path in schema
    assert "Warning" not in capsys.readouterr().err
