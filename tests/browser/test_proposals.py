"""What the model proposes, on the annotate page."""

import pytest

from tests.browser.annotating import CLIP, Contexts, Desk, hear_all, times, until, until_marks
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

SET_UP = f"""
from tests.browser.desk import set_up
from annotation.models import Proposal, Task
set_up('proposing', 1, {CLIP}, proposes=True)
for task in Task.objects.filter(campaign__slug='proposing'):
    Proposal.objects.create(task=task, regions=[[12.0, 13.0, 0.9], [16.0, 17.5, 0.7], [20.0, 21.0, 0.6]], shown=True, chance=0.5)
"""


@pytest.fixture(scope="module")
def proposing(product: Product) -> Desk:
    product.shell(SET_UP)
    return Desk(product, "proposing")


def test_a_proposal_is_a_mark_once_it_is_accepted(open_context: Contexts, proposing: Desk) -> None:
    page = proposing.open(open_context("ann"))
    assert times(page) == [], "untouched it is no mark"
    assert page.inner_text("#proposals-left") == "The model proposes 3 marks"
    page.keyboard.press("p")
    until_marks(page, 1)
    assert times(page) == [(2.0, 3.0)]
    page.evaluate("unbleed.player.seek(6.5)")
    page.keyboard.press("Shift+P")
    until(page, "document.getElementById('proposals-left').textContent === 'The model proposes 1 mark'", "proposal taken away")
    page.keyboard.press("z")
    until(page, "document.getElementById('proposals-left').textContent === 'The model proposes 2 marks'", "proposal again")
    page.keyboard.press("Shift+Z")
    until_marks(page, 1)
    hear_all(page)
    page.keyboard.press("Enter")
    wait_for(lambda: len(proposing.answers()) == 1, "answer")
    ((_, _, result, *_),) = proposing.answers()
    assert [(one["id"], one["origin"]) for one in result] == [("proposal1", "prediction")]
    assert proposing.marks() == [(12.0, 13.0)]
