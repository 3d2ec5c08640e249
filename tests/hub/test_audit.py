"""The audit trail: every decision and setting, found again; and no service that changes something without a line in it."""

import ast
import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

from annotation.events import record
from annotation.models import Campaign, Membership
from annotation.services import people
from annotation.services.campaigns import change_campaign
from hub.accounts.models import User
from hub.home import ROOT
from tests import worlds

WRITES = {"save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
OF_A_STEP = "what others record"
ROW = "the row itself says all of it, and is kept"
MACHINE = "the machine's own, decided by nobody"
SILENT = {
    "annotation/services": {
        "answers.withdraw_answers": OF_A_STEP,
        "consensus.agree_again_over_campaign": ROW,
        "consensus.count_surplus": OF_A_STEP,
        "consensus.keep_consensus": OF_A_STEP,
        "drafts.go_on_with_draft": "a draft is nobody's decision",
        "drafts.save_draft": "a draft is nobody's decision",
        **{
            f"effects.{name}": "a person listens to their own marks, and nothing of it lasts"
            for name in ("claim_effect", "end_late_effects", "fail_effect", "give_effect_back", "keep_effect", "wish_effect")
        },
        "first_visit.answer_sound_check": ROW,
        "first_visit.go_on_without": ROW,
        "first_visit.read_instructions": ROW,
        "first_visit.visit_of": ROW,
        "imported_gold.write": OF_A_STEP,
        "imports.imported_person": OF_A_STEP,
        "gold.keep_truth": MACHINE,
        "leases.assign_task": ROW,
        "leases.expire_leases": MACHINE,
        "leases.free_place": MACHINE,
        "leases.give_back": MACHINE,
        "leases.prefetch": ROW,
        "leases.renew_lease": MACHINE,
        "listening.prefer": ROW,
        "mail.mail_message": "the row itself says when; who wrote it is recorded",
        "people.forget": OF_A_STEP,
        "reviews.end_referrals": OF_A_STEP,
        "people.read_messages": ROW,
        "proposals.propose": MACHINE,
        "quick.segments_of": MACHINE,
        "tracks.keep_estimate": MACHINE,
    },
    "learner/services": {
        "checkpoints.keep_checkpoint": MACHINE,
        "effects.send_effect": MACHINE,
        "deleting.removal": "the campaign goes, and its history with it; that it would was recorded before",
        "deleting.remove_deleted": "the campaign goes, and its history with it; that it would was recorded before",
        "exports.keep_export": OF_A_STEP,
        "exports.remove_old": "the operator's rule; the row says when",
        "intakes.begin_intake": "nothing is in the campaign before its songs are sent",
        "intakes.begin_upload": "nothing is in the campaign before its songs are sent",
        "intakes.discard": "nothing is in the campaign before its songs are sent",
        "intakes.discard_old": "nothing is in the campaign before its songs are sent",
        "intakes.remove_upload": "nothing is in the campaign before its songs are sent",
        "imports.discard": "nothing of its files is in the campaign",
        "imports.discard_old": "nothing of its files is in the campaign",
        "jobs.end_what_it_worked_for": OF_A_STEP,
        "jobs.hand_back": MACHINE,
        "jobs.queue_job": OF_A_STEP,
        "jobs.send_again": MACHINE,
        "jobs.stand_back": MACHINE,
        "jobs.wait_for_room": MACHINE,
        "leftovers.release": MACHINE,
        "leftovers.release_checkpoints": "the operator's rule; the row says when",
        "leftovers.release_estimates": "the operator's rule",
        "leftovers.remove_released": MACHINE,
        "rounds.keep_tracks_apart": ROW,
        "separations.queue_separation": OF_A_STEP,
        "rounds.send_patient_jobs": MACHINE,
        "sent_songs.begin_song": "a person's own song; that it was separated, or removed, is recorded",
        "sent_songs.drop": "a person's own song, of which nothing was made",
        "sent_songs.keep_separated": MACHINE,
        "sent_songs.new_song": "a person's own song; that it was separated, or removed, is recorded",
        "sent_songs.refuse": MACHINE,
        "sent_songs.remove_old": "the operator's rule",
        "sent_songs.remove_songs_of": OF_A_STEP,
        "written.keep_written": MACHINE,
        "written.refuse_written": MACHINE,
        "uploaded_bases.begin_base": "nothing is kept before its file was looked at",
        "uploaded_bases.begin_file": "nothing is kept before its file was looked at",
        "uploaded_bases.discard_old": "nothing is kept before its file was looked at",
        "trials.take_over_trial": "it was tried, and recorded, under the name of the base",
    },
    "platform/hub/api": {
        "idempotent.done_once": "what was done meanwhile is recorded",
        "idempotent.once": "what was done meanwhile is recorded",
        "services.note_use": MACHINE,
        **{f"events.{name}": "another server tells it; the row says it" for name in ("colleagues", "delete", "keep", "take_event")},
        "foretelling.foretell": MACHINE,
        "predicting.predict": MACHINE,
        "services.note_call": MACHINE,
        "services.take_again": OF_A_STEP,
        "services.take_what_counts_now": OF_A_STEP,
        "syncing.sync": MACHINE,
        "taking.take": "what it keeps is recorded as every answer",
        **{f"services.{name}": "the log of deliveries says so" for name in ("send_again", "send_test")},
        **{f"sending.{name}": MACHINE for name in ("ask", "forget_old", "take")},
    },
}
"""Services that write rows and no event, and why that is no hole."""


@pytest.mark.parametrize("folder", SILENT)
def test_a_service_that_changes_something_records_an_event_or_says_why_not(folder: str) -> None:
    assert {f"{file.stem}.{name}" for file in sorted((ROOT / folder).rglob("*.py")) for name in silent(file)} == SILENT[folder].keys()


def test_pages_change_nothing_by_themselves() -> None:
    for folder in ("annotation/pages", "platform/hub/pages"):
        assert [f"{file.name}: {name}" for file in sorted((ROOT / folder).rglob("*.py")) for name in silent(file)] == []


def silent(file: Path) -> list[str]:
    """The public functions of a module that write rows, they or what they call in it, and record nothing."""
    functions = {one.name: one for one in ast.parse(file.read_text()).body if isinstance(one, ast.FunctionDef)}

    def called(name: str, seen: set[str]) -> set[str]:
        seen.add(name)
        calls = [one.func for one in ast.walk(functions[name]) if isinstance(one, ast.Call)]
        names = {one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else "" for one in calls}
        return names.union(*(called(one, seen) for one in names & functions.keys() - seen))

    found = {name: called(name, set()) for name in functions if not name.startswith("_")}
    return sorted(name for name, calls in found.items() if calls & WRITES and "record" not in calls)


# ---------------------------------------------------------------- the pages


@pytest.fixture
def campaign(db: None) -> Campaign:
    return worlds.campaign("bleed", owner=worlds.user("olga"))


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return campaign.memberships.get()


def told(page: Any) -> list[str]:
    """The kinds of events on a page, the latest first."""
    assert page.status_code == 200, page.content
    return re.findall(r'<span class="interval">([a-z_.]+)</span>', page.content.decode())


class TestOfACampaign:
    def test_it_shows_who_did_what_from_what_to_what(self, campaign: Campaign, owner: Membership) -> None:
        change_campaign(campaign=campaign, changes={"clips_per_round": 9}, who=owner)
        page = worlds.signed_in(owner).get("/c/bleed/audit/").content.decode()
        assert "changed clips per round from 6 to 9" in page and "6 → 9" in page and ">olga</a>" in page

    def test_what_happens_all_day_is_shown_where_it_is_asked_for(self, campaign: Campaign, owner: Membership) -> None:
        ann = worlds.member(campaign)
        worlds.answer(worlds.task(campaign), ann)
        browser = worlds.signed_in(owner)
        assert "submission.kept" not in told(browser.get("/c/bleed/audit/"))
        assert "submission.kept" in told(browser.get("/c/bleed/audit/?routine=on"))
        assert set(told(browser.get(f"/c/bleed/audit/?who={ann.pk}"))) == {"member.joined", "submission.kept"}

    def test_it_is_searched_by_words_thing_and_day(self, campaign: Campaign, owner: Membership) -> None:
        ann = worlds.member(campaign)
        people.change_role(member=ann, role="reviewer", who=owner)
        change_campaign(campaign=campaign, changes={"instructions": 'Hör "genau" hin'}, who=owner)
        browser = worlds.signed_in(owner)
        assert told(browser.get("/c/bleed/audit/", {"words": "reviewer ann"})) == ["member.changed"]
        assert told(browser.get("/c/bleed/audit/", {"words": 'hör "genau"'})) == ["campaign.changed"]
        assert told(browser.get("/c/bleed/audit/?thing=campaign")) == ["campaign.changed", "campaign.created"]
        assert told(browser.get("/c/bleed/audit/?until=2020-01-01")) == []
        assert browser.get("/c/bleed/audit/?since=yesterday").status_code == 400

    def test_page_by_page_nothing_is_lost_or_shown_twice(
        self, campaign: Campaign, owner: Membership, django_assert_max_num_queries: Any
    ) -> None:
        for n in range(120):
            record(campaign, "campaign.changed", who=owner, before={"seed": n}, after={"seed": n + 1})
        browser, seen, address = worlds.signed_in(owner), [], "/c/bleed/audit/?words=seed"
        for _ in range(3):
            with django_assert_max_num_queries(8):
                page = browser.get(address).content.decode()
            seen += re.findall(r"\d+ → (\d+)", page)
            address = "/c/bleed/audit/" + "".join(re.findall(r'href="(\?[^"]*older=\d+)"', page)).replace("&amp;", "&")
        assert seen == [str(n) for n in range(120, 0, -1)] and address == "/c/bleed/audit/"

    def test_the_csv_has_what_was_searched(self, campaign: Campaign, owner: Membership) -> None:
        change_campaign(campaign=campaign, changes={"clips_per_round": 9}, who=owner)
        answer = worlds.signed_in(owner).get("/c/bleed/audit/?thing=campaign&as=csv")
        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
        assert [row["what"] for row in rows] == ["campaign.changed", "campaign.created"]
        first = (rows[0]["who"], rows[0]["role"], rows[0]["campaign"], rows[0]["before"], rows[0]["after"])
        assert first == ("olga", "owner", "bleed", '{"clips_per_round": 6}', '{"clips_per_round": 9}')


def test_a_site_admin_sees_all_campaigns_and_others_their_own(campaign: Campaign, owner: Membership) -> None:
    worlds.campaign("other", owner=worlds.user("otto"))
    root = User.objects.create_superuser("root")
    page = worlds.signed_in(root).get("/audit/").content.decode()
    assert "<td>Bleed</td>" in page and "<td>Other</td>" in page
    assert worlds.signed_in(owner).get("/audit/").status_code == 403
    assert "otto" not in worlds.signed_in(owner).get("/c/bleed/audit/").content.decode()
