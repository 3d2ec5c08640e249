"""What is heard on the annotate page: one clock for all stems, measured on rendered samples and not by ear."""

from itertools import pairwise

import pytest

from tests.browser.annotating import CLIP, Contexts, Desk, add, sound, until, waveform
from tests.product import wait_for

pytestmark = pytest.mark.browser

RATE = 48_000

# Three stems that tell at every sample which of them sounds and where it is; switched twice while an offline context renders.
RENDER = """async ({rate, loop, at}) => {
  const { startTogether, fade, FADE } = await import('/static/annotation/shared/player.js');
  const context = new OfflineAudioContext(1, 2 * rate, rate);
  const ramp = (sign) => {
    const buffer = new AudioBuffer({ length: 3 * rate, sampleRate: rate });
    buffer.getChannelData(0).forEach((_, n, samples) => (samples[n] = sign * (0.1 + 0.8 * n / (3 * rate))));
    return buffer;
  };
  const buffers = { vocals: ramp(1), mix: ramp(-1), removed: ramp(0.5) };
  const run = startTogether(context, buffers, context.destination, { when: 0.1, offset: 0.25, loop, length: 1.5 });
  run.gains.vocals.gain.value = 1;
  for (const [time, stem] of at) context.suspend(time).then(() => { fade(run, { [stem]: 1 }, context.currentTime); context.resume(); });
  const samples = (await context.startRendering()).getChannelData(0);
  return { samples: Array.from(samples), fade: FADE };
}"""
SIGN = {"vocals": 1.0, "mix": -1.0, "removed": 0.5}


def expected(second: float, stem: str) -> float:
    return SIGN[stem] * (0.1 + 0.8 * (second / 3))


def test_a_switch_is_exact_to_the_sample_and_leaves_no_gap(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    switches = [(0.6, "mix"), (0.9, "removed"), (1.2, "vocals")]
    rendered = page.evaluate(RENDER, {"rate": RATE, "loop": None, "at": switches})
    quantum = 128 / RATE
    for (begin, stem), (end, _) in zip([(0.1, "vocals"), *switches], [*switches, (1.55, "")], strict=True):
        for n in range(round((begin + rendered["fade"] + 2 * quantum) * RATE), round((end - quantum) * RATE), 7):
            second = n / RATE - 0.1 + 0.25
            assert rendered["samples"][n] == pytest.approx(expected(second, stem), abs=2e-5), f"{stem} at {n / RATE:.4f} s"
    # While one becomes the other, what sounds is between the two at that very sample: nothing is missing, nothing is late.
    for n in range(round(1.2 * RATE), round((1.2 + rendered["fade"]) * RATE)):
        second = n / RATE - 0.1 + 0.25
        assert expected(second, "removed") - 2e-5 <= rendered["samples"][n] <= expected(second, "vocals") + 2e-5


def test_a_loop_goes_round_on_the_same_sample_every_time(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    loop = {"start": 0.25, "end": 0.5}
    samples = page.evaluate(RENDER, {"rate": RATE, "loop": loop, "at": [(0.7, "mix")]})["samples"]
    length, first = round(0.25 * RATE), round(0.1 * RATE)
    for n in range(first + length, round(0.69 * RATE)):
        assert samples[n + length] == pytest.approx(samples[n] if n + length < 0.7 * RATE else samples[n + length], abs=1e-6)
    for n in range(round(0.75 * RATE), round(1.5 * RATE), 11):
        assert samples[n] == pytest.approx(expected(0.25 + (n - first) % length / RATE, "mix"), abs=5e-5)


def test_keys_1_2_3_switch_while_it_plays_on(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.keyboard.press("Space")
    wait_for(lambda: sound(page) == (True, "vocals"), "sound")
    until(page, "unbleed.player.time > 0.3")
    for key, stem in (("2", "mix"), ("3", "removed"), ("1", "vocals")):
        before = page.evaluate("[unbleed.player.time, unbleed.player.context.currentTime]")
        page.keyboard.press(key)
        assert sound(page) == (True, stem)
        after = page.evaluate("[unbleed.player.time, unbleed.player.context.currentTime]")
        assert after[0] - before[0] == pytest.approx(after[1] - before[1], abs=0.01), "the clip went on with the clock"
    page.keyboard.press("Space")
    wait_for(lambda: sound(page) == (False, "vocals"), "silence")


def test_the_lines_over_picture_and_waveforms_follow_the_clock(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.keyboard.press("Space")
    until(page, "unbleed.player.time > 0.3")
    apart = page.evaluate(
        """async () => {
          const seen = [];
          const lines = () => [unbleed.strip, unbleed.editor].map(({ playhead }) => playhead.time);
          for (let n = 0; n < 40; n += 1) {
            await new Promise(requestAnimationFrame);
            await new Promise((done) => setTimeout(done, 50));
            const [before, cursors, after] = [unbleed.player.time, lines(), unbleed.player.time];
            seen.push(...cursors.map((cursor) => [cursor, before, after]));
          }
          return seen;
        }"""
    )
    late = [before - cursor for cursor, before, _ in apart]
    assert max(abs(a[0] - b[0]) for a, b in zip(apart[::2], apart[1::2], strict=True)) == 0, "both show one time"
    assert min(late) >= -0.02, "never ahead of what is heard"
    page.keyboard.press("Space")
    until(
        page, "[unbleed.strip, unbleed.editor].every(({ playhead }) => playhead.time === unbleed.player.time)", "lines where it stopped", 20
    )
    share = "(([line, wave]) => (line.x + 1 - wave.x) / wave.width)([document.querySelector('#editor-frame .playhead'),"
    place = page.evaluate(f"{share} document.querySelector('#label-studio canvas')].map((one) => one.getBoundingClientRect()))")
    assert place == pytest.approx(page.evaluate("unbleed.player.time") / (CLIP[1] - CLIP[0]), abs=0.003), "the line stands there"
    box = waveform(page)
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"])
    wait_for(lambda: page.evaluate("unbleed.player.time") == pytest.approx((CLIP[1] - CLIP[0]) / 2, abs=0.1), "click that seeks", 20)


def test_what_was_removed_is_the_mix_minus_the_vocals(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    until(page, "Object.keys(unbleed.player.buffers).length === 3")
    left, whole = page.evaluate(
        """() => {
          const [vocals, mix, removed] = ['vocals', 'mix', 'removed'].map((stem) => unbleed.player.buffers[stem].getChannelData(0));
          let [left, whole] = [0, 0];
          for (let n = 0; n < vocals.length; n += 1) {
            left += (mix[n] - vocals[n] - removed[n]) ** 2;
            whole += removed[n] ** 2;
          }
          return [left, whole];
        }"""
    )
    assert left < whole / 100, "to 20 dB: all three are lossy, but stand on the same samples"


def test_stems_are_equally_loud_unless_one_does_not_want_that(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    loud = page.evaluate(
        """async () => {
          const { loudness } = await import('/static/annotation/shared/loudness.js');
          const { buffers, levels } = unbleed.player;
          const of = async (stem) => (await loudness(buffers[stem])) + 20 * Math.log10(levels[stem]);
          const sine = new AudioBuffer({ length: 4 * 48000, sampleRate: 48000 });
          sine.getChannelData(0).forEach((_, n, samples) => (samples[n] = Math.sin((2 * Math.PI * 997 * n) / 48000)));
          return { stems: await Promise.all(['vocals', 'mix', 'removed'].map(of)), sine: await loudness(sine) };
        }"""
    )
    assert loud["sine"] == pytest.approx(-3.01, abs=0.1), "BS.1770: a full-scale sine of 997 Hz in one channel"
    assert max(loud["stems"]) - min(loud["stems"]) < 0.1
    page.uncheck("#equal")
    assert page.evaluate("unbleed.player.equalLoudness") is False


def test_a_selection_loops_and_the_speed_changes(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    add(page, 2, 2.5)
    page.keyboard.press("Escape")
    page.focus("#regions-rows input >> nth=0")  # selects the mark
    page.locator("h1").click()
    page.keyboard.press("l")
    until(page, "unbleed.player.loop?.start === 2 && unbleed.player.loop?.end === 2.5", "loop")
    seen = []
    for _ in range(30):
        page.wait_for_timeout(50)
        seen.append(page.evaluate("unbleed.player.time"))
    assert all(2 <= time < 2.5 for time in seen) and any(b < a for a, b in pairwise(seen)), "it went round"
    page.keyboard.press("l")
    until(page, "unbleed.player.loop === null")
    page.keyboard.press(".")
    assert page.evaluate("unbleed.player.rate") == 1.25 and page.locator("#speed").input_value() == "1.25"
    moved = page.evaluate(
        """async () => {
          const now = () => [unbleed.player.time, unbleed.player.context.currentTime];
          await new Promise((done) => setTimeout(done, 100));
          const before = now();
          await new Promise((done) => setTimeout(done, 800));
          const after = now();
          return (after[0] - before[0]) / (after[1] - before[1]);
        }"""
    )
    assert moved == pytest.approx(1.25, abs=0.02)
