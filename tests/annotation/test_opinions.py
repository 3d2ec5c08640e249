"""One more opinion on clips that people have agreed on, asked for by a later round."""

import pytest

from annotation import services
from annotation.models import Campaign, Consensus, Estimate, Event, Membership, Reliability, Task
from annotation.selectors import rounds
from annotation.selectors.opinions import worth_asking_again
from tests import worlds
from tests.hub.reading import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign(sound_as_witness=False)


@pytest.fixture
def people(campaign: Campaign) -> list[Membership]:
    return worlds.people(campaign, 3)


def disputed(campaign: Campaign, people: list[Membership], start: float = 0.0) -> Task:
    """Two strangers say the opposite of each other; the task closes all the same."""
    task = worlds.opened([worlds.clip(campaign.tracks.first() or worlds.track(campaign), start)])[0]
    worlds.answer(task, people[0], (start + 2, start + 8))
    worlds.answer(task, people[1])
    assert worlds.agreed(task).state == Task.State.CLOSED
    return task


def asked(campaign: Campaign, *tasks: Task) -> int:
    return services.ask_once_more(campaign=campaign, round_number=2, worth={task.pk: 1.5 for task in tasks}, instead=0.25)


def test_one_more_person_hears_it_and_it_closes_again(campaign: Campaign, people: list[Membership]) -> None:
    task = disputed(campaign, people)
    assert asked(campaign, task) == 1
    task.refresh_from_db()
    assert (task.state, task.overlap, task.asked_again, task.round_number) == (Task.State.OPEN, 3, 2, 1)
    assert task.parts == {"one more opinion": 1.5, "new clip instead": 0.25}
    assert rounds.progress(campaign, 2).open == 1, "the round that asks waits for it"
    assert services.assign_task(by=people[0]) is None, "who has answered is not asked again"
    assert worlds.given(people[2]) == task
    worlds.answer(task, people[2], (2.0, 8.0))
    task.refresh_from_db()
    worlds.agreed(task)
    assert task.consensuses.count() == 2 and rounds.progress(campaign, 2).open == 0


def test_one_that_has_its_most_answers_or_is_open_is_left_alone(campaign: Campaign, people: list[Membership]) -> None:
    task = disputed(campaign, people)
    asked(campaign, task)
    assert asked(campaign, task) == 0, "it is open"
    Task.objects.update(state=Task.State.CLOSED)
    assert asked(campaign, task) == 0, "it has its most answers"


def test_a_freeze_before_the_answer_counts_those_that_are_there(campaign: Campaign, people: list[Membership]) -> None:
    task = disputed(campaign, people)
    asked(campaign, task)
    assert [one.task for one in services.agree_again_over_campaign(campaign=campaign, up_to_round=2)] == [task]


def test_the_history_and_the_round_say_why(campaign: Campaign, people: list[Membership]) -> None:
    asked(campaign, disputed(campaign, people))
    event = Event.objects.get(what="task.one_more")
    assert (event.before, event.after["round"] if event.after else None) == ({"overlap": 2}, 2)
    page = text(worlds.client(campaign, "owner", "owner"), "/c/test/")
    assert "in round 2 that was worth more than a new clip" in page


class TestWorth:
    def test_the_least_certain_come_first_and_no_more_than_wanted(self, campaign: Campaign, people: list[Membership]) -> None:
        tasks = [disputed(campaign, people, start) for start in (0.0, 15.0)]
        Consensus.objects.filter(task=tasks[1]).update(certainty=0.1)
        ((task, worth),) = worth_asking_again(campaign, 1.0, 1)
        assert task == tasks[1] and worth > 0
        ((_, slower),) = worth_asking_again(campaign, 2.0, 1)
        assert slower == pytest.approx(worth / 2), "by the minute"
        assert len(list(worth_asking_again(campaign, 1.0, 9))) == 2

    @pytest.mark.parametrize("why", ["reviewer", "kept apart", "not to be heard", "nobody left", "nobody reliable left", "most answers"])
    def test_some_are_not_asked_about(self, campaign: Campaign, people: list[Membership], why: str) -> None:
        task = disputed(campaign, people)
        assert list(worth_asking_again(campaign, 1.0, 9))
        if why == "reviewer":
            Consensus.objects.update(by=people[2])
        elif why == "kept apart":
            Task.objects.update(kept_apart=True)
        elif why == "not to be heard":
            Estimate.objects.all().delete()
        elif why == "nobody left":
            Membership.objects.filter(pk=people[2].pk).update(active=False)
        elif why == "nobody reliable left":
            rates = {"sensitivity": 0.5, "specificity": 0.5, "onset_lag": 0, "offset_lag": 0, "edge_jitter": 0.2, "n_tasks": 9}
            Reliability.objects.create(membership=people[2], settles=False, fitted=task.opened, **rates)
        else:
            Task.objects.update(max_overlap=2)
        assert not list(worth_asking_again(campaign, 1.0, 9))
