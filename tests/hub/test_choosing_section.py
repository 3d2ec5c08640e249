"""What managers read of what choosing gained."""

import pytest
from django.test import Client

from annotation.models import Campaign, Membership, Task
from hub.pages import choosing
from learner.core.choosing.gain import Answered, gain
from learner.models import Round
from tests import worlds
from tests.hub import rounds
from tests.hub.reading import text
from tests.hub.rounds import answered, listening

URL = "/c/bleed/parts/choosing/"


def clips(*found: float) -> list[Answered]:
    """Of a minute each."""
    return [Answered(seconds, 1.0) for seconds in found]


@pytest.mark.parametrize(
    ("chosen", "control", "said"),
    [
        ([], [3, 3], "people have agreed on no chosen clip yet."),
        ([3, 3], [], "people have agreed on no clip of the control group yet, so nobody can say what choosing saved."),
        ([4], [0, 0], "nothing was found in 2 clips drawn at random, and 4.0 s in 1 chosen clip; what that saved cannot be put into"),
        (
            [6, 6],
            [3, 3],
            "this round's choice saved about 2.0 minutes of clips to listen to (95 % interval from 2.0 to 2.0): if random clips go on to "
            "hold 3.0 s a minute, as 2 clips of the control group did, the 12.0 s found in 2.0 minutes of chosen clips would have taken "
            "4.0 minutes of them.",
        ),
        ([2, 2], [4, 4], "this round's choice cost about 1.0 minutes"),
        ([2, 9], [1, 6], "With so few clips that may be chance."),
        ([9], [3], "saved about 2.0 minutes of clips to listen to: if random clips"),
        ([3, 4, 5], [0, 2], "without an upper limit)"),
    ],
)
def test_what_a_choice_saved_is_said_with_its_condition(chosen: list[float], control: list[float], said: str) -> None:
    assert said in choosing.saved(gain(clips(*chosen), clips(*control)))


@pytest.fixture
def campaign(db: None) -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


class TestSection:
    def test_before_anything_was_agreed_on_it_says_how_clips_are_chosen(self, campaign: Campaign, owner: Client) -> None:
        listening(campaign)
        page = text(owner, URL)
        assert "The next clips are chosen by the strategy “expected”: the most false-positive seconds per minute of listening" in page
        assert "33 % of a round's clips are drawn at random, as the control group. A round has at most 2 clips of a song." in page
        assert "Nothing to compare yet." in page and "/c/bleed/clips.csv" in owner.get(URL).content.decode()

    def test_without_a_random_share_it_says_what_stays_unknown(self, campaign: Campaign, owner: Client) -> None:
        Campaign.objects.update(random_share=0)
        assert "No clips are drawn at random (the random share is 0), so what choosing gains stays unknown." in text(owner, URL)

    def test_a_round_shows_both_groups_and_what_was_saved(self, campaign: Campaign, owner: Client) -> None:
        listening(campaign, 4)
        by = worlds.people(campaign, 1)[0]
        tasks = list(Task.objects.order_by("start"))
        Task.objects.filter(pk__in=[task.pk for task in tasks[2:]]).update(arm="random", chance=0.5)
        Task.objects.update(strategy="coverage")
        for task, seconds in zip(tasks, (6, 6, 3, 3), strict=True):
            answered(task, by, (2.0, 2.0 + seconds))
        page = text(owner, URL)
        assert "Round 1: this round's choice saved about 0.5 minutes of clips" in page
        assert "Round 1 coverage 24.0" in page and "2 clips" in page and "All rounds" not in page
        chart = owner.get(f"{URL}?seen=none").content.decode()
        assert '"x": [0.0, 0.5]' in chart and "chosen clips" in chart and "drawn at random" in chart

    def test_the_rounds_page_says_of_each_clip_how_it_was_chosen_and_not_to_annotators(self, campaign: Campaign, owner: Client) -> None:
        listening(campaign)
        Task.objects.update(strategy="coverage", arm="random", chance=0.25, parts={"distance": 0.5}, state="closed")
        said = "Strategy: coverage. Group: control, drawn at random. Chance: 25 %."
        assert said in text(owner, "/c/bleed/rounds/1/") and "distance from other clips 0.5" in text(owner, "/c/bleed/rounds/1/")
        assert "coverage" not in text(worlds.client(campaign, "ann"), "/c/bleed/rounds/1/")

    def test_how_well_leak_was_foretold_is_shown_where_a_round_kept_it(self, campaign: Campaign, owner: Client) -> None:
        first = listening(campaign)
        first.choosing = {"quality": {"n": 3, "spearman": None, "auroc": None, "expected": 1.0, "found": 2.0}, "words": ""}
        first.state = Round.State.REFUSED
        first.save()
        assert "Round 1 3" in text(owner, URL)
        second = listening(campaign)
        second.choosing = {
            "quality": {"n": 14, "spearman": 0.614, "auroc": 0.9, "expected": 2.0, "found": 2.4},
            "words": "It foretells well.",
        }
        second.save()
        page = text(owner, URL)
        assert "Round 2: It foretells well." in page
        assert "Round 2 14 0.61 0.90 2.0 2.4 Round 1 3 \u2013 \u2013 1.0 2.0" in page

    @pytest.mark.parametrize(("role", "status"), [(Membership.Role.ANNOTATOR, 404), (Membership.Role.REVIEWER, 200)])
    def test_who_may_still_be_asked_does_not_see_what_was_found(self, campaign: Campaign, role: str, status: int) -> None:
        assert worlds.client(campaign, "somebody", role).get(URL).status_code == status
