"""What one's marks change, heard on the annotate page in a real browser."""

import pytest

from tests.browser.annotating import CLIP, Contexts, Desk, add, hear_all, on_second_task, until
from tests.product import Product

pytestmark = pytest.mark.browser

SET_UP = f"""
from datetime import timedelta
from django.utils.timezone import now
from annotation.models import Campaign
from annotation.selectors import effects
from learner.models import Job
from tests import worlds
from tests.browser.desk import set_up
set_up('hearing', 2, {CLIP}, hears_effects=True)
campaign = Campaign.objects.get(slug='hearing')
ann, tasks = campaign.memberships.get(), campaign.tasks.all()
for campaign.seed in range(1000):
    if all(effects.is_drawn(campaign, task, ann) for task in tasks):
        break
campaign.save()
# The worker has no time for it: the test makes it.
Job.objects.create(campaign=campaign, kind='adapt', sent=now() + timedelta(days=1))
"""
MADE = """
from annotation.files.previews import extracted, ogg_of
from annotation.models import Effect
from annotation.services import effects
effect = effects.claim_effect(effect_id=Effect.objects.get(submission__by__campaign__slug='hearing').pk)
samples, rate = extracted(effect.submission.task)
effects.keep_effect(effect=effect, sound=ogg_of(effect.submission.task, 0.1 * samples, rate), quieter=[20.0], beside=0.1)
"""
HEARD = "document.querySelector('input[name=in-step]:checked').value"


@pytest.fixture(scope="module")
def hearing(product: Product) -> Desk:
    product.shell(SET_UP)
    return Desk(product, "hearing")


def test_it_is_asked_for_after_the_answer_and_heard_in_step_while_one_goes_on(open_context: Contexts, hearing: Desk) -> None:
    page = hearing.open(open_context("ann"))
    assert page.is_disabled("#effect-open"), "nothing is answered yet"
    add(page, 2.0, 4.0)
    hear_all(page)
    page.keyboard.press("Control+Enter")
    on_second_task(page)
    with page.expect_response("**/effect/"):  # the page says that it waits before the wish is kept
        page.locator("body").press("e")
    until(page, "document.getElementById('effect-said').textContent.startsWith('It waits')", "wish")
    page.keyboard.press("Escape")
    hearing.product.shell(MADE)
    until(page, "!document.getElementById('effect-ready').hidden", "sound that is ready")
    page.locator("body").press("e")
    assert "20 dB quieter by your marks alone" in page.inner_text("#effect-sounds") and page.evaluate(HEARD) == "before"
    page.keyboard.press("p")
    until(page, "parseFloat(document.querySelector('[data-clock]').textContent) > 0.2", "sound")
    page.keyboard.press("x")
    assert page.evaluate(HEARD) == "effect"
    page.keyboard.press("x")
    assert page.evaluate(HEARD) == "before"
    page.keyboard.press("Escape")
    until(page, "document.getElementById('effect-open').disabled", "nothing left to hear")
