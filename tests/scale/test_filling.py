"""A crowded campaign is one that the product could have made: nothing in it breaks a rule of the database, and its pages answer.

`make bench-pages` measures them with much in it. That none asks more questions than it may is seen with little already.
"""

import pytest

from annotation.models import Mark, Submission, Task
from learner.models import Round
from tests.scale.bench_pages import QUESTIONS, client_of, pages, questions_of
from tests.scale.filling import Size, fill

ALL = 120  # pages, and parts of pages, as different people see them
SIZE = Size(people=4, tasks=120, marks=600, rounds=4, tracks=40)


@pytest.mark.django_db(transaction=True)
def test_no_page_of_a_crowded_campaign_asks_many_questions() -> None:
    campaign = fill(SIZE)
    assert campaign.memberships.count() == SIZE.people + 2  # an owner and a reviewer besides
    assert Task.objects.count() == SIZE.tasks and Mark.objects.count() == SIZE.marks and Round.objects.count() == SIZE.rounds
    assert not Submission.objects.filter(task__state=Task.State.OPEN).exists()
    asked, none = {}, {}
    for name, who, url in pages(campaign):
        found = questions_of(client_of(who), url)
        if isinstance(found, str):
            none[f"{name} for {who}"] = found
        else:
            asked[f"{name} for {who}, {url}"] = found[0]
    assert {page: n for page, n in asked.items() if n > QUESTIONS} == {}, "more questions than a page may ask"
    assert len(asked) >= ALL and not [page for page, why in none.items() if why.startswith("5")]
