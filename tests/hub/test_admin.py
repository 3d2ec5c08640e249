"""The pages of site admins, and the schema of the API. Real rows."""

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.test import Client

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
