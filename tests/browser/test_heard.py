"""Heard means heard: what sounded counts and nothing else, and a mark's edges lie where the key went down and up."""

import pytest

from tests.browser.annotating import CLIP, Contexts, Desk, hear_all, on_second_task, times, until
from tests.product import wait_for

pytestmark = pytest.mark.browser

LENGTH = CLIP[1] - CLIP[0]
BUSY = """((seconds) => {  // of sound, so that a slow machine is busy for as much of the clip
  const { context } = unbleed.player;
  const end = context.currentTime + seconds;
  while (context.currentTime < end) ;
})"""
LATE_KEY = """async (kind) => {  // the key moves, and the page, which is busy, comes round to it 0.8 s later
  const both = () => [performance.now(), unbleed.player.time];
  const event = new KeyboardEvent(kind, { key: 'm', code: 'KeyM', bubbles: true });
  const before = both();
  Object.defineProperty(event, 'timeStamp', { value: before[0] + 100 });
  while (performance.now() < before[0] + 900) ;
  const after = both();
  document.body.dispatchEvent(event);
  return [before, after];
}"""


def test_seeking_grants_nothing(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    for playing in (False, True):
        if playing:
            page.keyboard.press("Space")
            until(page, "unbleed.player.time > 0.3")
        step = "unbleed.act.onABit()" if playing else "unbleed.act.on()"
        granted, sounded = page.evaluate(
            f"""() => {{
              const {{ player, heard }} = unbleed;
              const share = () => heard.share(player.duration);
              player.tell();
              const [before, since] = [share(), player.context.currentTime];
              for (let n = 0; n < 100; n += 1) {step};
              return [share() - before, (player.context.currentTime - since) / player.duration];
            }}"""
        )
        assert granted <= sounded + 0.01 and (playing or granted == 0), "10 s were skipped"
        page.evaluate("unbleed.player.pause(); unbleed.player.seek(0)")
    # Held, the key jumps ahead of the sound again and again: what is heard is no more than what the clock has played.
    page.evaluate("unbleed.player.play()")
    granted, sounded = page.evaluate(
        """async () => {
          const total = () => unbleed.heard.intervals().reduce((sum, [start, end]) => sum + end - start, 0);
          unbleed.player.tell();
          const [before, since] = [total(), unbleed.player.context.currentTime];
          for (let n = 0; n < 60; n += 1) {
            document.body.dispatchEvent(new KeyboardEvent('keydown', {
              ...{ key: 'ArrowRight', code: 'ArrowRight', shiftKey: true, repeat: n > 0, bubbles: true },
            }));
            await new Promise((done) => setTimeout(done, 33));
          }
          unbleed.player.pause();
          return [total() - before, unbleed.player.context.currentTime - since];
        }"""
    )
    assert granted <= sounded + 0.5, "6 s were skipped"


def test_a_busy_page_loses_nothing_that_sounded_and_grants_nothing_that_did_not(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.evaluate("unbleed.player.loop = { start: 2, end: 3 }")
    page.keyboard.press("Space")
    until(page, "unbleed.player.time > 2")
    # While the page is busy the loop turns, twice at least; then the mix is listened to, at another speed.
    done = page.evaluate(
        f"""() => {{
          {BUSY}(2.5);
          unbleed.act.mix();
          {BUSY}(0.3);
          unbleed.player.loop = null;
          unbleed.act.speed(1.5);
          unbleed.player.seek(6);
          {BUSY}(0.9);
          unbleed.act.removed();
          const left = unbleed.player.time;
          unbleed.player.pause();
          return {{ left, heard: unbleed.heard.all() }};
        }}"""
    )
    assert done["heard"]["vocals"] == [pytest.approx([2, 3], abs=0.02)], "all of the loop, and nothing beside it"
    mixed = [stretch for stretch in done["heard"]["mix"] if stretch[0] > 5]
    assert mixed == [pytest.approx([6, done["left"]], abs=0.02)] and done["left"] > 6.2
    assert done["heard"].get("removed", []) == []


def test_a_clock_that_stands_grants_nothing(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.keyboard.press("Space")
    until(page, "unbleed.player.time > 0.5")
    page.evaluate("unbleed.player.context.suspend()")
    stood = page.evaluate("unbleed.player.time")
    page.wait_for_timeout(700)
    page.evaluate("unbleed.player.tell()")
    assert page.evaluate("unbleed.player.time") == pytest.approx(stood, abs=0.05)
    assert page.evaluate("unbleed.heard.intervals()") == [pytest.approx([0, stood], abs=0.05)]


def test_a_busy_page_takes_a_key_for_when_it_was_pressed(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.evaluate("unbleed.keep.keepChoice('reaction', 0)")
    page.keyboard.press("Space")
    until(page, "unbleed.player.time > 1")
    known = [page.evaluate(LATE_KEY, kind) for kind in ("keydown", "keyup")]
    wait_for(lambda: len(times(page)) == 1, "mark")
    # The page's clock and that of the sound part where the machine cannot keep up: the truth lies between what each end says.
    for edge, ((moment, place), (later, further)) in zip(times(page)[0], known, strict=True):
        reckoned = [place + 0.1, further - (later - moment - 100) / 1000]
        assert min(reckoned) - 0.05 <= edge <= max(reckoned) + 0.05


def test_what_is_heard_at_the_fastest_speed_counts_and_a_clip_that_there_was_no_time_for_does_not(
    open_context: Contexts, desk: Desk
) -> None:
    def by_the_true_time() -> None:
        desk.product.sql(
            "UPDATE annotation_assignment one SET taken_at = taken_at + interval '1 hour' FROM annotation_task task, annotation_campaign"
            " campaign WHERE task.id = one.task_id AND campaign.id = task.campaign_id AND slug = %s"
            " AND taken_at < now() - interval '50 minutes'",
            desk.slug,
        )

    page = desk.open(open_context("ann"))
    by_the_true_time()
    page.evaluate("unbleed.player.rate = Math.max(...[...document.getElementById('speed').options].map(({ value }) => Number(value)))")
    page.evaluate("unbleed.player.play()")
    until(page, "unbleed.heard.share(unbleed.player.duration) > 0.99", "clip that was heard")
    page.click("#nothing")
    on_second_task(page)
    assert [status for _, status, *_ in desk.answers()] == ["accepted"]
    by_the_true_time()
    # However slow the machine: the first took longer to hear than there was time for both.
    desk.product.sql("UPDATE annotation_submission SET heard = '[[0, 9000]]' WHERE id = %s", desk.answers()[0][0])
    hear_all(page)
    page.click("#nothing")
    until(page, "document.getElementById('notice').innerText.includes('sooner than the clip can be heard')", "word about it")
    assert [status for _, status, *_ in desk.answers()] == ["accepted", "too soon"]
