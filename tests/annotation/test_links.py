"""Crowd links: who is let in and how often, when they are done, how places come back, and what is paid. Real rows."""

import csv
import io
import re
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now

from annotation import services
from annotation.core import panels
from annotation.core.panels import BadExport, BadVisit, Visit
from annotation.models import Assignment, Campaign, Estimate, Event, GoldScore, Link, Membership, Participation, Submission, Task, Track
from annotation.selectors import access, payout, queue
from annotation.selectors.crowd_links import n_done
from annotation.services import crowd_links
from annotation.services.crowd_links import LinkClosed

pytestmark = pytest.mark.django_db
CHECKPOINT = "c" * 64
User = get_user_model()


@pytest.fixture
def campaign() -> Campaign:
    return services.create_campaign(name="Test", slug="test", owner=User.objects.create_user("owner"), min_overlap=2, max_overlap=3)


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return campaign.memberships.get(role="owner")


def invitation(owner: Membership, **rules) -> Link:
    return crowd_links.create_link(campaign=owner.campaign, who=owner, kind="invitation", **rules)


def prolific(owner: Membership, **rules) -> Link:
    return crowd_links.create_link(campaign=owner.campaign, who=owner, kind="prolific", **{"tasks_asked": 2, **rules})


def come(link: Link, pid: str = "a" * 24, session: str = "s1", study: str = "study1") -> Participation:
    return crowd_links.enter_from_panel(link=link, visit=Visit(pid, study, session))


def open_tasks(campaign: Campaign, n: int) -> None:
    track = Track.objects.create(
        campaign=campaign, name="song", use="pool", domain="target", duration=900.0, sample_rate=16_000, channels=1, fingerprint="f"
    )
    Estimate.objects.create(track=track, stem="vocals", checkpoint=CHECKPOINT, file="aa/x.flac")
    clips = [services.Clip(track, 15.0 * i, 15.0 * (i + 1), Task.Arm.SCORE, 1.0, "") for i in range(n)]
    services.open_tasks(campaign=campaign, checkpoint=CHECKPOINT, round_number=1, clips=clips)


def member_of(participation: Participation) -> Membership:
    return Membership.objects.select_related("campaign").get(pk=participation.membership_id)


def answer(participation: Participation, n: int = 1) -> None:
    for _ in range(n):
        member = member_of(participation)
        lease = services.assign_task(by=member)
        assert lease
        services.submit(task=lease.task, by=member, result=[], client_key=uuid.uuid4(), lead_time=30.0, heard=[[0.0, 15.0]])


def why(attempt: Callable[[], object]) -> str:
    with pytest.raises(LinkClosed) as closed:
        attempt()
    return closed.value.why


class TestWhoIsLetIn:
    def test_an_invitation_lets_people_in_as_annotators_once_each(self, owner: Membership) -> None:
        link, ann = invitation(owner), User.objects.create_user("ann")
        member = crowd_links.join_by_invitation(link=link, user=ann)
        assert member.role == "annotator" and member.tasks_asked is None
        assert crowd_links.join_by_invitation(link=link, user=ann) == member
        link.refresh_from_db()
        assert link.uses == 1 and link.participations.get().membership == member

    def test_who_is_in_already_stays_what_they_are_and_takes_no_place(self, owner: Membership) -> None:
        link = invitation(owner, max_uses=1)
        assert crowd_links.join_by_invitation(link=link, user=owner.user).role == "owner"
        assert Link.objects.get().uses == 0

    def test_a_limit_of_n_lets_n_in(self, owner: Membership) -> None:
        link = prolific(owner, max_uses=2)
        for n in range(2):
            come(link, f"person{n}")
        assert why(lambda: come(link, "person2")) == "full"
        assert come(link, "person1").membership.user.username.startswith("prolific-"), "who is in comes back though it is full"
        with pytest.raises(IntegrityError), transaction.atomic():
            Link.objects.update(uses=3)

    def test_nobody_new_comes_after_its_time_and_nobody_at_all_once_it_is_revoked(self, owner: Membership) -> None:
        link = prolific(owner, expires=now() + timedelta(days=1))
        come(link)
        Link.objects.update(expires=now() - timedelta(seconds=1))
        assert why(lambda: come(link, "somebody-new")) == "expired"
        come(link)
        assert crowd_links.revoke_link(link=link, who=owner) and not crowd_links.revoke_link(link=link, who=owner)
        assert why(lambda: come(link)) == "revoked"
        assert why(lambda: crowd_links.join_by_invitation(link=link, user=User.objects.create_user("ann"))) == "revoked"

    def test_whoever_was_put_out_does_not_come_back_by_a_link(self, owner: Membership) -> None:
        link, ann = invitation(owner), User.objects.create_user("ann")
        crowd_links.join_by_invitation(link=link, user=ann)
        Membership.objects.filter(user=ann).update(active=False)
        assert why(lambda: crowd_links.join_by_invitation(link=link, user=ann)) == "removed"

    def test_one_external_id_is_one_account_without_a_password(self, owner: Membership) -> None:
        link = prolific(owner)
        first, again, other = come(link), come(link, session="s2"), come(link, "b" * 24)
        assert first.pk == again.pk and first.membership != other.membership
        assert not first.membership.user.has_usable_password() and not first.membership.user.is_staff
        assert [one["session"] for one in again.sessions] == ["s1", "s2"]
        assert [one["session"] for one in come(link, session="s2").sessions] == ["s1", "s2"]

    def test_a_prolific_participant_of_another_study_is_the_same_member(self, owner: Membership) -> None:
        first, second = come(prolific(owner)), come(prolific(owner), study="study2")
        assert first.membership == second.membership and first.pk != second.pk

    def test_the_same_external_id_of_two_panels_is_two_people(self, owner: Membership) -> None:
        one, two = (crowd_links.create_link(campaign=owner.campaign, who=owner, kind="external") for _ in range(2))
        assert (
            crowd_links.enter_from_panel(link=one, visit=Visit("7")).membership
            != crowd_links.enter_from_panel(link=two, visit=Visit("7")).membership
        )

    def test_a_link_for_one_study_refuses_others(self, owner: Membership) -> None:
        link = prolific(owner, study="study1")
        come(link)
        assert why(lambda: come(link, study="study2")) == "study"

    @pytest.mark.parametrize("guard", ["password", "staff", "superuser", "reviewer"])
    def test_a_link_never_opens_an_account_with_a_password_or_rights(self, owner: Membership, guard: str) -> None:
        link = prolific(owner)
        member = come(link).membership
        if guard == "password":
            member.user.set_password("a long enough passphrase")
        member.user.is_staff, member.user.is_superuser = guard == "staff", guard == "superuser"
        member.user.save()
        if guard == "reviewer":
            Membership.objects.filter(pk=member.pk).update(role="reviewer")
        assert why(lambda: come(link)) == "guarded"
        assert why(lambda: come(prolific(owner))) == "guarded", "nor does another link of the campaign"

    def test_what_happened_is_on_record_without_tokens_and_ids(self, owner: Membership) -> None:
        link = prolific(owner)
        come(link)
        crowd_links.revoke_link(link=link, who=owner)
        events = Event.objects.filter(what__startswith="link.").order_by("pk")
        assert [event.what for event in events] == ["link.created", "link.taken", "link.revoked"]
        assert link.token not in str(list(events.values())) and "a" * 24 not in str(list(events.values()))


class TestWhatALinkSays:
    def test_tokens_are_long_and_never_the_same(self, owner: Membership) -> None:
        tokens = {invitation(owner).token for _ in range(20)}
        assert len(tokens) == 20 and all(re.fullmatch(r"[\w-]{43}", token) for token in tokens)

    def test_a_prolific_link_has_a_code_and_must_ask_for_tasks(self, owner: Membership) -> None:
        assert re.fullmatch("[0-9A-F]{8}", prolific(owner).completion_code)
        with pytest.raises(ValidationError, match="number of tasks"):
            prolific(owner, tasks_asked=None)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("completion_code", "a b"), ("return_url", "javascript:alert(1)"), ("max_uses", 0), ("currency", "euro"), ("pay_per_task", -1)],
    )
    def test_what_cannot_be_is_refused_by_its_field(self, owner: Membership, field: str, value: object) -> None:
        with pytest.raises(ValidationError) as refused:
            crowd_links.create_link(campaign=owner.campaign, who=owner, kind="external", **{field: value})
        assert field in refused.value.message_dict

    def test_an_invitation_asks_for_no_number(self, owner: Membership) -> None:
        with pytest.raises(ValidationError, match="invitation"):
            invitation(owner, tasks_asked=3)

    @pytest.mark.parametrize(
        "value",
        [
            *(
                "{ID}",
                "{{id}}",
                "%7B%7BID%7D%7D",
                "{{%PROLIFIC_PID%}}",
                "${worker_id}",
                "[worker_id]",
                "<id>",
                "$id",
                "#{id}",
                "%id%",
                "ID",
            ),
            *("undefined", "null", "NULL", "None", "nil", "nan", "NaN", "void", "true", "False", "[object Object]", "(null)", "<null>"),
            *("undefined-undefined", "null_null", "unknown", "anonymous", "00000000-0000-0000-0000-000000000000"),
            *("PROLIFIC_PID", "STUDY_ID", "id", "pid", "your_id", "YOUR-ID", "YourID", "workerId", "participant.id", "insert_your_id_here"),
            *("ASSIGNMENT_ID_NOT_AVAILABLE", "xxx", "XXXXXXXX", "xxxx-xxxx"),
        ],
    )
    def test_a_placeholder_that_nobody_filled_in_is_nobodys_id(self, value: str) -> None:
        assert Link(kind=Link.Kind.EXTERNAL).query == "?id={ID}"
        with pytest.raises(BadVisit, match="id in the address is a placeholder that was not filled in"):
            panels.external_visit({"id": [value]})

    @pytest.mark.parametrize(
        "value",
        [
            *(
                "0",
                "1",
                "7",
                "0000007",
                "5f0000000000000000000001",
                "f" * 24,
                "A1B2C3D4E5F6G7",
                "test",
                "demo-3",
                "worker-7",
                "id7",
                "ID_12",
            ),
            *("david", "sid", "heidi", "Nona", "nilsson", "nullmeyer", "nana", "undefined2", "xx7", "ada@lab.example", "na", "hit3", "max"),
            *("00000000-0000-0000-0000-000000000001", "2f1e0c1a-9d7b-4f0e-8a53-0a6c1e5b7d11"),
        ],
    )
    def test_an_id_that_only_looks_like_a_placeholder_is_an_id(self, value: str) -> None:
        assert panels.external_visit({"id": [value]}).external_id == value

    @pytest.mark.parametrize("name", ["PROLIFIC_PID", "STUDY_ID", "SESSION_ID"])
    def test_an_address_that_names_two_people_lets_in_neither(self, name: str) -> None:
        query = {"PROLIFIC_PID": ["5f1"], "STUDY_ID": ["s"], "SESSION_ID": ["x"]}
        with pytest.raises(BadVisit, match=f"{name} is in the address 2 times") as bad:
            panels.prolific_visit(query | {name: ["5f1", "5f2"]})
        assert bad.value.field == name

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"STUDY_ID": "s", "SESSION_ID": "x"}, "PROLIFIC_PID"),
            ({"PROLIFIC_PID": "p", "SESSION_ID": "x"}, "STUDY_ID"),
            ({"PROLIFIC_PID": "p", "STUDY_ID": "s"}, "SESSION_ID"),
            ({"PROLIFIC_PID": "{{%PROLIFIC_PID%}}", "STUDY_ID": "s", "SESSION_ID": "x"}, "PROLIFIC_PID"),
            ({"PROLIFIC_PID": "=1+1", "STUDY_ID": "s", "SESSION_ID": "x"}, "PROLIFIC_PID"),
            ({"PROLIFIC_PID": "p\x00", "STUDY_ID": "s", "SESSION_ID": "x"}, "PROLIFIC_PID"),
            ({"PROLIFIC_PID": "p" * 65, "STUDY_ID": "s", "SESSION_ID": "x"}, "PROLIFIC_PID"),
        ],
    )
    def test_a_missing_or_odd_parameter_is_named(self, query: dict[str, str], field: str) -> None:
        with pytest.raises(BadVisit, match=field) as bad:
            panels.prolific_visit({name: [value] for name, value in query.items()})
        assert bad.value.field == field


class TestDone:
    def test_the_asked_number_of_answers_and_no_more(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 9)
        participation = come(prolific(owner, tasks_asked=3))
        assert queue.own_progress(member_of(participation)).open == 3
        answer(participation, 2)
        assert not crowd_links.finish(participation=participation)
        assert services.assign_task(by=member_of(participation)) and services.prefetch(by=member_of(participation)) == []
        answer(participation)
        assert access.has_done_all(member_of(participation)) and services.assign_task(by=member_of(participation)) is None
        assert crowd_links.finish(participation=participation) and not crowd_links.finish(participation=participation)
        participation.refresh_from_db()
        assert participation.state == "finished" and participation.finished

    def test_prefetching_reserves_only_what_is_still_asked(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 9)
        member = member_of(come(prolific(owner, tasks_asked=2)))
        services.assign_task(by=member)
        assert len(services.prefetch(by=member)) == 1

    def test_a_second_study_asks_anew_and_counts_apart(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 9)
        first = come(prolific(owner, tasks_asked=2))
        answer(first, 2)
        crowd_links.finish(participation=first)
        second = come(prolific(owner, tasks_asked=1), study="study2")
        assert not access.has_done_all(member_of(second))
        answer(second)
        assert (n_done(first), n_done(second)) == (2, 1)
        assert access.has_done_all(member_of(second))

    def test_a_manager_may_let_somebody_finish_with_less(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 1)
        participation = come(prolific(owner, tasks_asked=5))
        answer(participation)
        assert crowd_links.finish(participation=participation, who=owner)
        assert services.assign_task(by=member_of(participation)) is None


class TestReclaiming:
    def test_leases_and_the_place_are_free_again_and_answers_stay(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 5)
        link = prolific(owner, tasks_asked=4, max_uses=1)
        participation = come(link)
        answer(participation)
        services.assign_task(by=member_of(participation))
        services.prefetch(by=member_of(participation))
        assert sum(Task.objects.values_list("taken", flat=True)) == 4
        assert crowd_links.reclaim(participation=participation, state="timed out", who=owner)
        assert not crowd_links.reclaim(participation=participation, state="returned", who=owner), "over already: the place is free once"
        assert sum(Task.objects.values_list("taken", flat=True)) == 1
        assert not Assignment.objects.filter(state="leased").exists()
        assert Link.objects.get().uses == 0 and Submission.objects.get().status == "accepted"
        assert services.assign_task(by=member_of(participation)) is None
        come(link, "b" * 24)

    def test_answers_are_taken_out_only_if_the_manager_says_so(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 5)
        kept, out = come(prolific(owner), "kept"), come(prolific(owner), "out")
        answer(kept, 2)
        answer(out, 2)
        crowd_links.reclaim(participation=kept, state="returned", who=owner)
        crowd_links.reclaim(participation=out, state="returned", who=owner, exclude=True)
        statuses = dict(Submission.objects.values_list("by__participations__external_id", "status"))
        assert statuses == {"kept": "accepted", "out": "withdrawn"}
        assert crowd_links.exclude_answers(participation=kept, who=owner) == 2
        assert crowd_links.exclude_answers(participation=kept, who=owner) == 0

    def test_whoever_comes_anew_needs_a_place_again_and_is_asked_for_all(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 9)
        link = prolific(owner, tasks_asked=2, max_uses=1)
        participation = come(link)
        answer(participation)
        crowd_links.reclaim(participation=participation, state="returned", who=owner)
        come(link, "b" * 24)
        assert why(lambda: come(link, session="s2")) == "full"
        Link.objects.update(max_uses=2)
        again = come(link, session="s2")
        assert again.pk == participation.pk and again.state == "under way" and n_done(again) == 0
        answer(again, 2)
        assert crowd_links.finish(participation=again)

    def test_whose_invitation_was_reclaimed_may_come_by_it_again(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 5)
        link, ann = invitation(owner, max_uses=1), User.objects.create_user("ann")
        crowd_links.join_by_invitation(link=link, user=ann)
        crowd_links.reclaim(participation=Participation.objects.get(), state="timed out", who=owner)
        assert services.assign_task(by=member_of(Participation.objects.get())) is None
        crowd_links.join_by_invitation(link=link, user=ann)
        assert Link.objects.get().uses == 1 and services.assign_task(by=member_of(Participation.objects.get()))

    def test_reclaiming_an_old_study_leaves_the_present_one_alone(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 9)
        old = come(prolific(owner))
        new = come(prolific(owner), study="study2")
        crowd_links.reclaim(participation=old, state="timed out", who=owner)
        assert services.assign_task(by=member_of(new))


EXPORT = """\ufeffSubmission id,Participant id,Status,Started at
s-a,aaa,RETURNED,2026
s-b,bbb,TIMED-OUT,2026
s-c,ccc,APPROVED,2026
s-d,ddd,AWAITING REVIEW,2026
s-e,eee,REJECTED,2026
s-f,fff,RETURNED,2026
s-g,ggg,ABDUCTED,2026
"""


class TestProlificsExport:
    def test_it_reclaims_and_settles_and_says_what_it_did(self, owner: Membership) -> None:
        link = prolific(owner)
        for one in ("aaa", "bbb", "ccc", "ddd", "eee", "ggg"):
            come(link, one, session=f"s-{one[0]}")
        rows = panels.read_export(EXPORT.encode())
        told = crowd_links.apply_export(link=link, rows=rows, who=owner)
        assert (told.changed, told.same, told.unknown, told.not_understood) == (4, 2, 1, ("ABDUCTED",))
        states = dict(Participation.objects.values_list("external_id", "state"))
        assert states == {
            "aaa": "returned", "bbb": "timed out", "ccc": "approved", "ddd": "under way", "eee": "rejected", "ggg": "under way",
        }  # fmt: skip
        assert Link.objects.get().uses == 4
        assert crowd_links.apply_export(link=link, rows=rows, who=owner).changed == 0

    def test_an_earlier_session_says_nothing_about_a_new_one(self, owner: Membership) -> None:
        link = prolific(owner)
        come(link, "aaa", session="s-a")
        crowd_links.apply_export(link=link, rows=panels.read_export(EXPORT.encode()), who=owner)
        come(link, "aaa", session="s-later")
        crowd_links.apply_export(link=link, rows=panels.read_export(EXPORT.encode()), who=owner)
        assert Participation.objects.get().state == "under way"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("line", ["\n", "\r\n"])
    def test_a_spreadsheet_may_have_saved_it_in_its_own_way(self, encoding: str, separator: str, line: str) -> None:
        mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(encoding, "")
        rows = [["Submission id", "Participant id", "Status", "Note, of ours; or not"], ["7b01", "5f01", "RETURNED", ""]]
        for first in ("", f"sep={separator}{line}"):
            file = mark + first + "".join(separator.join(f'"{cell}"' for cell in row) + line for row in rows)
            assert panels.read_export(file.encode(encoding)) == [panels.Exported("5f01", "RETURNED", "7b01")]

    @pytest.mark.parametrize(
        ("file", "said"),
        [
            (b"", "Participant id"), (b"Participant id\nx", "Status"), (b"\xff\xfe\x00", "UTF-8"), (b"\xe9t\xe9;", "UTF-8"),
            ("Participant id,Status".encode("utf-16-le"), "UTF-16"), (b"Participant id|Status\nx|RETURNED", "commas, semicolons or tabs"),
            (b'Participant id,Status\n"x,RETURNED', "CSV"), (b"x" * 5_000_001, "larger than 5 MB"),
        ],
    )  # fmt: skip
    def test_another_file_is_refused_in_words(self, file: bytes, said: str) -> None:
        with pytest.raises(BadExport, match=said):
            panels.read_export(file)


def table(campaign: Campaign, rate: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(payout.lines(campaign, Decimal(rate) if rate else None)))))


class TestPayout:
    def test_a_line_for_each_person_with_what_they_did(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 9)
        paid = come(prolific(owner, tasks_asked=3, pay_per_task=Decimal("0.125"), currency="GBP"), "aaa", session="s-a")
        answer(paid, 3)
        Assignment.objects.update(taken_at=now() - timedelta(minutes=2))
        crowd_links.finish(participation=paid)
        back = come(prolific(owner), "bbb")
        answer(back)
        crowd_links.reclaim(participation=back, state="returned", who=owner)
        rows = {row["external_id"]: row for row in table(campaign)}
        assert rows["aaa"] | {
            "tasks_accepted": "3", "minutes_heard": "0.75", "minutes_spent": "1.50", "status": "finished", "study": "study1",
            "session": "s-a", "currency": "GBP", "amount": "0.38", "gold_accuracy": "", "username": paid.membership.user.username,
        } == rows["aaa"]  # fmt: skip
        assert rows["bbb"]["amount"] == "" and rows["bbb"]["tasks_accepted"] == "1"
        stated = {row["external_id"]: row["amount"] for row in table(campaign, "0.5")}
        assert stated == {"aaa": "1.50", "bbb": "0.00"}, "a stated rate stands in; who returned is paid nothing"

    def test_gold_is_graded_and_what_was_taken_out_is_told_apart(self, campaign: Campaign, owner: Membership) -> None:
        open_tasks(campaign, 9)
        link = prolific(owner, tasks_asked=5, pay_per_task=Decimal(1))
        graded, out = come(link, "graded"), come(link, "out")
        answer(graded, 2)
        answer(out)
        for submission, score in zip(Submission.objects.filter(by=graded.membership), (0.5, 1.0), strict=True):
            GoldScore.objects.create(submission=submission, score=score, missed=0.0, extra=0.0)
        crowd_links.exclude_answers(participation=out, who=owner)
        rows = {row["external_id"]: row for row in table(campaign)}
        assert (rows["graded"]["gold_accuracy"], rows["graded"]["gold_answers"], rows["graded"]["amount"]) == ("0.750", "2", "2.00")
        assert (rows["out"]["tasks_accepted"], rows["out"]["tasks_excluded"], rows["out"]["amount"]) == ("0", "1", "0.00")

    @pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", " =1", "|calc"])
    def test_no_cell_is_a_formula(self, campaign: Campaign, owner: Membership, name: str) -> None:
        link = invitation(owner, name="x")
        crowd_links.join_by_invitation(link=link, user=User.objects.create_user("ann"))
        Link.objects.update(name=name)
        User.objects.filter(username="ann").update(username=name)
        row = table(campaign)[0]
        assert row["link"] == f"'{name}" and row["username"] == f"'{name}"


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each returned or raised, run in threads of their own that start together."""
    start, found = threading.Barrier(len(works)), [None] * len(works)

    def run(n: int) -> None:
        try:
            start.wait()
            found[n] = works[n]()
        except Exception as error:
            found[n] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[n]) for n in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_the_last_place_goes_to_one(self, owner: Membership) -> None:
        link = prolific(owner, max_uses=2)
        come(link, "first")
        found = at_once(*(lambda n=n: come(link, f"person{n}") for n in range(6)))
        assert sum(isinstance(one, Participation) for one in found) == 1
        assert [one.why for one in found if isinstance(one, LinkClosed)] == ["full"] * 5
        assert Link.objects.get().uses == Participation.objects.count() == 2

    def test_two_people_at_an_invitation_for_one(self, owner: Membership) -> None:
        link, people = invitation(owner, max_uses=1), [User.objects.create_user(name) for name in ("ann", "bob")]
        found = at_once(*(lambda one=one: crowd_links.join_by_invitation(link=link, user=one) for one in people))
        assert sorted(type(one).__name__ for one in found) == ["LinkClosed", "Membership"] and Link.objects.get().uses == 1

    def test_the_same_person_twice_is_one_account(self, owner: Membership) -> None:
        link = prolific(owner)
        found = at_once(*(lambda: come(link) for _ in range(4)))
        assert len({one.pk for one in found}) == 1 and Link.objects.get().uses == 1
        assert User.objects.filter(username__startswith="prolific-").count() == 1

    def test_a_place_reclaimed_twice_is_free_once(self, owner: Membership) -> None:
        link = prolific(owner)
        participations = [come(link, "aaa"), come(link, "bbb")]
        found = at_once(*(lambda: crowd_links.reclaim(participation=participations[0], state="returned", who=owner) for _ in range(3)))
        assert sorted(found) == [False, False, True] and Link.objects.get().uses == 1


class TestPeopleFromOneAddress:
    def fill(self, link: Link, n: int, came_from: str = "aaaaaaaa", first: int = 0) -> list[str]:
        """How each of `n` people with invented ids fares."""
        fared = []
        for i in range(first, first + n):
            try:
                crowd_links.enter_from_panel(link=link, visit=Visit(f"invented-{i}", "", ""), came_from=came_from)
                fared.append("in")
            except LinkClosed as closed:
                fared.append(closed.why)
        return fared

    def test_invented_ids_do_not_fill_a_study(self, owner):
        link = prolific(owner, max_uses=20)
        assert self.fill(link, 14) == ["in"] * 10 + ["crowded"] * 4
        assert Link.objects.get().uses == User.objects.exclude(username="owner").count() == 10
        assert self.fill(link, 2, "bbbbbbbb", first=100) == ["in"] * 2, "others are let in"

    def test_a_class_behind_one_router_comes_in_by_an_invitation(self, owner):
        link = invitation(owner)
        for n in range(40):
            crowd_links.join_by_invitation(link=link, user=User.objects.create_user(f"pupil{n}"), came_from="aaaaaaaa")
        with pytest.raises(LinkClosed, match="from your network"):
            crowd_links.join_by_invitation(link=link, user=User.objects.create_user("one more"), came_from="aaaaaaaa")

    def test_who_is_in_comes_back_from_a_crowded_address(self, owner):
        link = prolific(owner, hourly_limit=1)
        assert self.fill(link, 2) == ["in", "crowded"] and self.fill(link, 1) == ["in"]

    def test_a_manager_lets_more_in_at_once(self, owner):
        link = prolific(owner, hourly_limit=1)
        assert crowd_links.change_limit(link=link, hourly_limit=3, who=owner)
        assert self.fill(link, 4) == ["in"] * 3 + ["crowded"]
        assert crowd_links.change_limit(link=link, hourly_limit=None, who=owner) and not crowd_links.change_limit(
            link=link, hourly_limit=None, who=owner
        )
        assert Link.objects.get().from_one_address == 10
        assert Event.objects.filter(what="link.changed").first().after == {"link": link.pk, "limit": 3}

    @pytest.mark.parametrize("limit", [0, 10_001])
    def test_a_limit_is_a_number_of_people(self, owner, limit):
        with pytest.raises(ValidationError, match="Ensure this value"):
            crowd_links.change_limit(link=prolific(owner), hourly_limit=limit, who=owner)

    def test_places_that_are_given_back_let_nobody_more_in(self, owner):
        link = prolific(owner, hourly_limit=2)
        assert self.fill(link, 2) == ["in"] * 2
        crowd_links.reclaim(participation=Participation.objects.first(), state="returned", who=owner)
        assert self.fill(link, 1, first=5) == ["crowded"]

    def test_an_hour_later_the_next_are_let_in(self, owner):
        link = prolific(owner, hourly_limit=2)
        assert self.fill(link, 3) == ["in"] * 2 + ["crowded"]
        Participation.objects.update(began=now() - timedelta(minutes=61))
        assert self.fill(link, 3, first=2) == ["in"] * 2 + ["crowded"]

    def test_what_was_stopped_is_shown_and_noted_once_an_hour(self, owner):
        link = prolific(owner, hourly_limit=2)
        self.fill(link, 2)
        self.fill(link, 1, "bbbbbbbb", first=5)
        for _ in range(3):
            crowd_links.note_stopped(link=link, came_from="aaaaaaaa")
        assert Event.objects.filter(what="link.stopped").count() == 1
        link.refresh_from_db()
        (shown,) = queue.addresses_of([link])[link.pk]
        assert (shown.came_from, shown.people) == ("aaaaaaaa", 2) and now() - shown.stopped < timedelta(minutes=1)
        Link.objects.update(stopped={"aaaaaaaa": (now() - timedelta(hours=1)).isoformat()})
        crowd_links.note_stopped(link=link, came_from="aaaaaaaa")
        assert Event.objects.filter(what="link.stopped").count() == 2

    def test_a_link_keeps_the_latest_stops_only(self, owner):
        link = prolific(owner)
        for n in range(60):
            crowd_links.note_stopped(link=link, came_from=f"{n:08}")
        assert list(Link.objects.get().stopped) == [f"{n:08}" for n in range(10, 60)]

    def test_who_came_from_where_is_forgotten(self, owner):
        link = prolific(owner)
        self.fill(link, 2)
        Participation.objects.filter(external_id="invented-0").update(began=now() - timedelta(days=31))
        self.fill(link, 1, first=2)
        assert list(Participation.objects.order_by("pk").values_list("came_from", flat=True)) == ["", "aaaaaaaa", "aaaaaaaa"]
