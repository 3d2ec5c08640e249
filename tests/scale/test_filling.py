"""A crowded campaign is one that the product could have made: nothing in it breaks a rule of the database, and its pages answer.

`make bench-pages` measures them with much in it. That none asks more questions than it may is seen with little already.
"""

from pathlib import Path
from typing import Any

import pytest

from annotation.models import Mark, Submission, Task
from learner.models import Round
from tests.hub.addresses import routes
from tests.scale.bench_pages import NOT_MEASURED, PROGRAMS, QUESTIONS, client_of, pages, questions_of
from tests.scale.filling import Size, fill

NO_PAGE = "405"  # asked by GET: it only changes something
SIZE = Size(people=4, tasks=120, marks=600, rounds=4, tracks=40)


@pytest.mark.django_db(transaction=True)
def test_no_page_of_a_crowded_campaign_asks_many_questions_and_every_route_is_measured(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    campaign = fill(SIZE)
    assert campaign.memberships.count() == SIZE.people + 4  # who runs the site, an owner, a reviewer and somebody of a panel besides
    assert Task.objects.count() == SIZE.tasks and Mark.objects.count() == SIZE.marks and Round.objects.count() == SIZE.rounds
    assert not Submission.objects.filter(task__state=Task.State.OPEN).exists()
    asked, measured, none = {}, set(), dict[str, str]()
    for name, who, url in pages(campaign):
        found = questions_of(client_of(who), url)
        if isinstance(found, str):
            none[name] = found
        else:
            measured.add(name)
            if found.is_page:
                asked[f"{name} for {who}, {url}"] = found.questions
    assert {page: n for page, n in asked.items() if n > QUESTIONS} == {}, "more questions than a page may ask"
    asked_for = {name for _, name in routes() if name and not name.startswith(PROGRAMS)}
    left = {name: none.get(name) for name in asked_for - measured if none.get(name) != NO_PAGE}
    assert left.keys() == NOT_MEASURED.keys(), "routes that `make bench-pages` does not reach need a line in NOT_MEASURED"
