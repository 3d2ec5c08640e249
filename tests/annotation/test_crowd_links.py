"""Crowd links: who is let in and how often, when they are done, and how places come back. Real rows."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from annotation import services
from annotation.core.panels import Visit
from annotation.models import Assignment, Campaign, Event, Link, Membership, Participation, Submission, Task
from annotation.selectors import access, queue
from annotation.selectors.crowd_links import n_done
from annotation.services import crowd_links
from annotation.services.crowd_links import LinkClosed
from hub.accounts.models import User
from tests import worlds
from tests.annotation import comers
from tests.annotation.comers import answer, come, invitation, member_of, prolific, why
from tests.threads import outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return comers.owner()


@pytest.fixture
def campaign(owner: Membership) -> Campaign:
    return owner.campaign


class TestWhoIsLetIn:
    def test_an_invitation_lets_people_in_as_annotators_once_each(self, owner: Membership) -> None:
        link, ann = invitation(owner), worlds.user("ann")
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
        assert worlds.account(come(link, "person1").membership).username.startswith("prolific-"), "who is in comes back though it is full"
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
        assert why(lambda: crowd_links.join_by_invitation(link=link, user=worlds.user("ann"))) == "revoked"

    def test_whoever_was_put_out_does_not_come_back_by_a_link(self, owner: Membership) -> None:
        link, ann = invitation(owner), worlds.user("ann")
        crowd_links.join_by_invitation(link=link, user=ann)
        Membership.objects.filter(user=ann).update(active=False)
        assert why(lambda: crowd_links.join_by_invitation(link=link, user=ann)) == "removed"

    def test_one_external_id_is_one_account_without_a_password(self, owner: Membership) -> None:
        link = prolific(owner)
        first, again, other = come(link), come(link, session="s2"), come(link, "b" * 24)
        assert first.pk == again.pk and first.membership != other.membership
        account = worlds.account(first.membership)
        assert not account.has_usable_password() and not account.is_staff
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
        account = worlds.account(member)
        if guard == "password":
            account.set_password("a long enough passphrase")
        account.is_staff, account.is_superuser = guard == "staff", guard == "superuser"
        account.save()
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


class TestDone:
    def test_the_asked_number_of_answers_and_no_more(self, campaign: Campaign, owner: Membership) -> None:
        worlds.tasks(campaign, 9)
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
        worlds.tasks(campaign, 9)
        member = member_of(come(prolific(owner, tasks_asked=2)))
        services.assign_task(by=member)
        assert len(services.prefetch(by=member)) == 1

    def test_a_second_study_asks_anew_and_counts_apart(self, campaign: Campaign, owner: Membership) -> None:
        worlds.tasks(campaign, 9)
        first = come(prolific(owner, tasks_asked=2))
        answer(first, 2)
        crowd_links.finish(participation=first)
        second = come(prolific(owner, tasks_asked=1), study="study2")
        assert not access.has_done_all(member_of(second))
        answer(second)
        assert (n_done(first), n_done(second)) == (2, 1)
        assert access.has_done_all(member_of(second))

    def test_a_manager_may_let_somebody_finish_with_less(self, campaign: Campaign, owner: Membership) -> None:
        worlds.tasks(campaign, 1)
        participation = come(prolific(owner, tasks_asked=5))
        answer(participation)
        assert crowd_links.finish(participation=participation, who=owner)
        assert services.assign_task(by=member_of(participation)) is None


class TestReclaiming:
    def test_leases_and_the_place_are_free_again_and_answers_stay(self, campaign: Campaign, owner: Membership) -> None:
        worlds.tasks(campaign, 5)
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
        worlds.tasks(campaign, 5)
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
        worlds.tasks(campaign, 9)
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
        worlds.tasks(campaign, 5)
        link, ann = invitation(owner, max_uses=1), worlds.user("ann")
        crowd_links.join_by_invitation(link=link, user=ann)
        crowd_links.reclaim(participation=Participation.objects.get(), state="timed out", who=owner)
        assert services.assign_task(by=member_of(Participation.objects.get())) is None
        crowd_links.join_by_invitation(link=link, user=ann)
        assert Link.objects.get().uses == 1 and services.assign_task(by=member_of(Participation.objects.get()))

    def test_reclaiming_an_old_study_leaves_the_present_one_alone(self, campaign: Campaign, owner: Membership) -> None:
        worlds.tasks(campaign, 9)
        old = come(prolific(owner))
        new = come(prolific(owner), study="study2")
        crowd_links.reclaim(participation=old, state="timed out", who=owner)
        assert services.assign_task(by=member_of(new))


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_the_last_place_goes_to_one(self, owner: Membership) -> None:
        link = prolific(owner, max_uses=2)
        come(link, "first")
        found = outcomes(*(partial(come, link, f"person{n}") for n in range(6)))
        assert sum(isinstance(one, Participation) for one in found) == 1
        assert [one.why for one in found if isinstance(one, LinkClosed)] == ["full"] * 5
        assert Link.objects.get().uses == Participation.objects.count() == 2

    def test_two_people_at_an_invitation_for_one(self, owner: Membership) -> None:
        link, people = invitation(owner, max_uses=1), [worlds.user(name) for name in ("ann", "bob")]
        found = outcomes(*(partial(crowd_links.join_by_invitation, link=link, user=one) for one in people))
        assert sorted(type(one).__name__ for one in found) == ["LinkClosed", "Membership"] and Link.objects.get().uses == 1

    def test_the_same_person_twice_is_one_account(self, owner: Membership) -> None:
        link = prolific(owner)
        found = outcomes(*[partial(come, link)] * 4)
        assert len({one.pk for one in found}) == 1 and Link.objects.get().uses == 1
        assert User.objects.filter(username__startswith="prolific-").count() == 1

    def test_a_place_reclaimed_twice_is_free_once(self, owner: Membership) -> None:
        link = prolific(owner)
        participations = [come(link, "aaa"), come(link, "bbb")]
        found = outcomes(*[partial(crowd_links.reclaim, participation=participations[0], state="returned", who=owner)] * 3)
        assert sorted(found) == [False, False, True] and Link.objects.get().uses == 1
