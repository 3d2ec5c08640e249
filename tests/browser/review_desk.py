"""A campaign with contested clips, made in the product's database, and the reviewer "rev" in it."""

from annotation.models import Membership, Task
from tests import worlds
from tests.browser.desk import open_more

HEARD = [(0.0, 12.0)]
ANSWERS = (
    [(2.0, 4.1), (8.0, 10.2)],
    [(2.2, 4.0)],
    [(6.5, 7.5), (8.1, 10.0)],
)  # clip seconds, one list a person
UNHEARD = 2  # this person did not listen to the last second


def set_up(slug: str, n: int, clip: tuple[float, float]) -> None:
    """Make the campaign with `n` contested clips, three people's answers to each, and the reviewer."""
    campaign = worlds.campaign(slug, min_overlap=3, certainty=0.999)
    people = worlds.people(campaign, len(ANSWERS))
    worlds.member(campaign, "rev", Membership.Role.REVIEWER)
    for _ in range(n):
        open_more(slug, clip)
    for task in Task.objects.filter(campaign=campaign).order_by("pk"):
        for number, (person, marks) in enumerate(zip(people, ANSWERS, strict=True)):
            spans = [(clip[0] + start, clip[0] + end) for start, end in marks]
            worlds.answer(task, person, *spans, heard=[(0.0, 11.0)] if number == UNHEARD else HEARD)
        assert worlds.agreed(task).state == Task.State.IN_REVIEW, task.state
