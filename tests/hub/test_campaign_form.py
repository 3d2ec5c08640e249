"""Making a campaign in the browser, and changing the rules of one that runs. Real rows."""

import json
from datetime import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from annotation.models import Campaign, Event, Membership
from hub.accounts.models import User
from hub.pages.campaign_form import SECTIONS, CampaignForm
from hub.pages.starting.kinds import KINDS
from learner.models import ChosenBase, SharedModel
from tests import worlds
from tests.hub.reading import text

NOT_IN_THE_FORM = {"id", "paused", "held_up", "created", "frozen", "consent_version", "instruction_version", "ended", "archived", "deleted"}


def sent(**changes: Any) -> dict[str, Any]:
    """What a browser sends of the form as it is first shown, but for `changes`; an unticked box is not sent."""
    form = CampaignForm(initial={"name": "Electronic album"})
    fields = {field.html_name: field.value() for field in form} | changes
    return {name: value for name, value in fields.items() if value is not None and value is not False}


def as_shown(campaign: Campaign, **changes: Any) -> dict[str, Any]:
    form = CampaignForm(instance=campaign)
    fields = {field.html_name: field.value() for field in form if not field.field.disabled} | changes
    return {name: value for name, value in fields.items() if value is not None and value is not False}


@pytest.fixture
def admin(db: None) -> Client:
    return worlds.signed_in(User.objects.create_superuser("head"))


def test_the_form_has_every_rule_of_a_campaign() -> None:
    rules = {field.name for field in Campaign._meta.concrete_fields} - NOT_IN_THE_FORM
    assert {name for section in SECTIONS for name in section.names} == rules
    assert all(field.label and field.help_text for field in CampaignForm.base_fields.values() if field.label != "Recipe")


class TestNew:
    def test_a_new_site_leads_its_admin_to_the_form(self, admin: Client) -> None:
        assert "/campaigns/new/" in admin.get("/").content.decode()
        assert "New campaign" in text(admin, "/")

    def test_who_makes_a_campaign_owns_it_and_sees_its_page(self, admin: Client) -> None:
        answer = admin.post("/campaigns/new/", sent(), follow=True)
        assert answer.redirect_chain[-1][0] == "/c/electronic-album/"
        assert answer.status_code == 200
        assert Membership.objects.get().role == "owner"

    def test_a_second_campaign_of_the_same_name_gets_an_address_of_its_own(self, admin: Client) -> None:
        for _ in range(2):
            admin.post("/campaigns/new/", sent())
        assert sorted(Campaign.objects.values_list("slug", flat=True)) == ["electronic-album", "electronic-album-2"]

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("clip_seconds", 60, "A clip lasts at most 30 seconds."),
            ("clips_per_round", 0, "A round needs at least 1 clip"),
            ("max_overlap", 2, "it may not be less than the answers asked for at first"),
            ("gold_share", 0.7, "it may be from 0 to 0.5"),
            ("certainty", 1.5, "it may be from 0 to 1"),
            ("recipe", '{"stepz": 3}', "the recipe has &#x27;stepz&#x27;"),
            ("stem", "kazoo", "Select a valid choice"),
            ("max_rounds", 0, "it may be 1 or more, or empty"),
            ("practice_score", 2, "it may be from 0 to 1"),
            ("practice_tries", 0, "it takes 1 or more"),
            ("review_wait_hours", 9000, "it may be 8760 at most"),
            ("learns_every_hours", 0, "it may be from 1 to 672"),
            ("learns_at", "25:00", "Enter a valid time"),
            ("time_zone", "Berlin", "such as Europe/Berlin"),
            ("random_share", 1.5, "The random share is from 0 to 1."),
        ],
    )
    def test_what_cannot_work_is_refused_at_its_field(self, admin: Client, field: str, value: Any, said: str) -> None:
        answer = admin.post("/campaigns/new/", sent(**{field: value}))
        page = answer.content.decode()
        assert answer.status_code == 400
        assert said in page
        at_field = page[page.index(f'id="id_{field}"') :]
        assert said in at_field[: at_field.index("</div>")]
        assert not Campaign.objects.exists()

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_of_people_fills_the_form_with_rules_that_work(self, admin: Client, kind: str) -> None:
        form = admin.get(f"/campaigns/new/?kind={kind}").context["form"]
        said = {field.html_name: field.value() for field in form}
        fields = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in said.items()}
        fields["name"] = fields["name"] or kind
        shown = {name: value for name, value in fields.items() if value is not None and value is not False}
        assert admin.post("/campaigns/new/", shown).status_code == 302
        made = Campaign.objects.get()
        assert {name: getattr(made, name) for name in KINDS[kind].rules} == KINDS[kind].rules

    def test_a_copy_has_the_rules_and_another_name(self, admin: Client) -> None:
        worlds.campaign("first", owner=User.objects.get(), clips_per_round=11, recipe={"steps": 77})
        form = admin.get("/campaigns/new/?copy=first").context["form"]
        assert form.initial["clips_per_round"] == 11
        assert '"steps": 77' in form["recipe"].as_widget().replace("&quot;", '"')
        assert "name" not in form.initial and "slug" not in form.initial

    def test_a_copy_has_every_rule_of_the_first(self, admin: Client) -> None:
        """Of a field that comes later, too: each has another value than a campaign begins with."""
        other: dict[str, Any] = {
            "stem": "drums", "choosing": "random", "quick_devices": "touch", "skip_policy": "me", "recipe": {"steps": 7},
            "tags": ["strings"], "only_tags": ["headphones"], "questionnaire": "What with?\n- Headphones\n- Speakers",
            "clip_seconds": 20.0, "max_overlap": 9, "seed": 5, "learns_at": time(4, 30), "time_zone": "Europe/Berlin",
        }  # fmt: skip
        copied = [name for name in CampaignForm.base_fields if name not in ("name", "slug")]
        for name in copied:
            field: Any = Campaign._meta.get_field(name)
            begins = field.get_default()
            if name not in other:
                kind = field.get_internal_type()
                new = {"BooleanField": not begins, "FloatField": 0.25, "PositiveIntegerField": (begins or 0) + 1, "TextField": "!"}
                other[name] = new[kind]
            assert other[name] != begins, name
        first = worlds.campaign("first", owner=User.objects.get(), **other)
        form = admin.get("/campaigns/new/?copy=first").context["form"]
        fields = {field.html_name: field.value() for field in form} | {"name": "Second"}
        shown = {name: value for name, value in fields.items() if value is not None and value is not False}
        assert admin.post("/campaigns/new/", shown).status_code == 302
        second = Campaign.objects.get(slug="second")
        assert {name: getattr(second, name) for name in copied} == {name: getattr(first, name) for name in copied} == other
        assert (second.ended, second.archived, second.deleted, second.consent_version) == (None, None, None, 1)

    def test_nobody_copies_a_campaign_of_others(self, admin: Client) -> None:
        worlds.campaign("theirs", owner=worlds.user("other"), clips_per_round=11)
        assert "clips_per_round" not in admin.get("/campaigns/new/?copy=theirs").context["form"].initial

    def test_a_base_is_chosen_with_the_rules_or_later(self, admin: Client) -> None:
        admin.post("/campaigns/new/", sent())
        assert not ChosenBase.objects.exists()
        admin.post("/campaigns/new/", sent(base="spleeter-22k", stem="accompaniment"))
        assert [(one.name, one.campaign.slug, one.who and one.who.role) for one in ChosenBase.objects.all()] == [
            ("spleeter-22k", "electronic-album-2", "owner")
        ]

    def test_a_base_is_what_another_campaign_of_mine_uses(self, admin: Client) -> None:
        first = worlds.with_model(worlds.campaign("first", owner=User.objects.get()), worlds.checkpoint("c", file="x"))
        theirs = worlds.with_model(worlds.campaign("theirs", owner=worlds.user("other")), worlds.checkpoint("d", file="y"))
        assert "used by the campaign" in text(admin, "/campaigns/new/")
        used, not_mine = (SharedModel.objects.get(campaign=one).current for one in (first, theirs))
        assert admin.post("/campaigns/new/", sent(base=not_mine.hash)).status_code == 400
        assert admin.post("/campaigns/new/", sent(base=used.hash)).status_code == 302
        assert ChosenBase.objects.get().checkpoint == used

    def test_a_base_of_another_stem_is_refused_at_its_field(self, admin: Client) -> None:
        answer = admin.post("/campaigns/new/", sent(base="spleeter-22k", stem="drums"))
        assert answer.status_code == 400 and not Campaign.objects.exists()
        assert "spleeter-22k extracts vocals or accompaniment; this campaign listens to drums." in answer.content.decode()

    def test_who_runs_no_site_makes_no_campaign(self, db: None) -> None:
        somebody = worlds.signed_in(worlds.user("somebody"))
        assert somebody.get("/campaigns/new/").status_code == 403
        assert somebody.post("/campaigns/new/", sent()).status_code == 403
        assert "/campaigns/new/" not in somebody.get("/").content.decode()


class TestSettings:
    @pytest.fixture
    def campaign(self, db: None) -> Campaign:
        return worlds.campaign("bleed", owner=worlds.user("owner"), clips_per_round=6)

    @pytest.fixture
    def owner(self, campaign: Campaign) -> Client:
        return worlds.signed_in(worlds.user("owner"))

    def test_a_change_is_told_with_both_values(self, campaign: Campaign, owner: Client) -> None:
        answer = owner.post("/c/bleed/settings/", as_shown(campaign, clips_per_round=8, leaderboard="on"), follow=True)
        assert "2 rules changed: clips a round, leaderboard." in answer.content.decode()
        assert Campaign.objects.get().clips_per_round == 8
        told = Event.objects.get(what="campaign.changed")
        assert (told.before, told.after) == (
            {"clips_per_round": 6, "leaderboard": False},
            {"clips_per_round": 8, "leaderboard": True},
        )
        history = text(owner, "/c/bleed/parts/history/")
        assert "you changed " in history and "clips per round from 6 to 8" in history and "leaderboard from off to on" in history

    def test_what_is_sent_unchanged_changes_nothing(self, campaign: Campaign, owner: Client) -> None:
        assert "Nothing was changed." in owner.post("/c/bleed/settings/", as_shown(campaign), follow=True).content.decode()
        assert not Event.objects.filter(what="campaign.changed").exists()

    def test_a_changed_text_is_a_new_version(self, campaign: Campaign, owner: Client) -> None:
        owner.post("/c/bleed/settings/", as_shown(campaign, consent_text="Your marks are published."))
        campaign.refresh_from_db()
        assert (campaign.consent_version, campaign.instruction_version) == (2, 1)
        owner.post("/c/bleed/settings/", as_shown(campaign, instructions="Mark breaths too."))
        campaign.refresh_from_db()
        assert (campaign.consent_version, campaign.instruction_version) == (2, 2)

    def test_the_address_and_the_stem_of_songs_stay(self, campaign: Campaign, owner: Client) -> None:
        worlds.track(campaign)
        owner.post("/c/bleed/settings/", as_shown(campaign, slug="other", stem="drums"))
        campaign.refresh_from_db()
        assert (campaign.slug, campaign.stem) == ("bleed", "vocals")

    def test_the_stem_of_a_model_stays_before_there_are_songs(self, campaign: Campaign, owner: Client) -> None:
        worlds.with_model(campaign, worlds.checkpoint("base"))
        owner.post("/c/bleed/settings/", as_shown(campaign, stem="drums"))
        campaign.refresh_from_db()
        assert campaign.stem == "vocals"
        campaign.stem = "drums"
        with pytest.raises(ValidationError, match="Songs or a model were taken in for vocals"):
            campaign.full_clean()

    def test_each_section_says_from_when_a_change_counts(self) -> None:
        assert [section.title for section in SECTIONS if "ount" not in section.about] == []

    def test_a_changed_recipe_is_told_setting_by_setting(self, campaign: Campaign, owner: Client) -> None:
        owner.post("/c/bleed/settings/", as_shown(campaign, recipe='{"steps": 200}'))
        campaign.refresh_from_db()
        owner.post("/c/bleed/settings/", as_shown(campaign, recipe='{"steps": 90, "rate": 0.01}'))
        history = text(owner, "/c/bleed/parts/history/")
        assert "changed recipe (steps from default to 200)" in history
        assert "changed recipe (rate from default to 0.01, steps from 200 to 90)" in history

    def test_a_refused_change_shows_the_campaign_as_it_is(self, campaign: Campaign, owner: Client) -> None:
        answer = owner.post("/c/bleed/settings/", as_shown(campaign, name="Renamed", clips_per_round=0))
        assert answer.status_code == 400
        assert "Settings of Bleed" in answer.content.decode()
        assert Campaign.objects.get().name == "Bleed"

    @pytest.mark.parametrize(("role", "status"), [("manager", 200), ("reviewer", 403), ("annotator", 403)])
    def test_owners_and_managers_change_rules(self, campaign: Campaign, role: str, status: int) -> None:
        client = worlds.client(campaign, role, role)
        assert client.get("/c/bleed/settings/").status_code == status
        assert client.post("/c/bleed/settings/", as_shown(campaign, name="Other")).status_code == (302 if status == 200 else 403)

    def test_to_others_there_is_no_such_page(self, campaign: Campaign) -> None:
        assert worlds.signed_in(worlds.user("stranger")).get("/c/bleed/settings/").status_code == 404
