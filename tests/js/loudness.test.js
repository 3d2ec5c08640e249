import "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { blockPowers, gated, highPass, levelled, shelf } from "../../annotation/static/annotation/shared/loudness.js";

const near = (found, wanted, by, about) => assert.ok(Math.abs(found - wanted) <= by, `${about ?? ""} ${found} is not ${wanted}`);

/** A sound through a filter of the second order, as Web Audio's IIRFilterNode computes it. */
function filtered(samples, { feedforward: b, feedback: a }) {
  const out = new Float64Array(samples.length);
  for (let n = 0; n < samples.length; n += 1) {
    const at = (list, back) => (n < back ? 0 : list[n - back]);
    out[n] = (b[0] * samples[n] + b[1] * at(samples, 1) + b[2] * at(samples, 2) - a[1] * at(out, 1) - a[2] * at(out, 2)) / a[0];
  }
  return out;
}

function buffer(channels, rate) {
  return { numberOfChannels: channels.length, length: channels[0].length, sampleRate: rate, getChannelData: (n) => channels[n] };
}

/** Integrated loudness of tones: [seconds, amplitude], 997 Hz, in so many channels. */
function loudnessOf(parts, { rate = 48_000, channels = 1, hertz = 997 } = {}) {
  const levels = parts.flatMap(([seconds, amplitude]) => new Array(seconds * rate).fill(amplitude));
  const tone = Float64Array.from(levels, (level, n) => level * Math.sin((2 * Math.PI * hertz * n) / rate));
  const weighted = filtered(filtered(tone, shelf(rate)), highPass(rate));
  return gated(blockPowers(buffer(new Array(channels).fill(weighted), rate)));
}

test("at 48 kHz the filters are those of the standard (ITU-R BS.1770-4, tables 1 and 2)", () => {
  const [first, second] = [shelf(48_000), highPass(48_000)];
  const whole = first.feedback[0];
  [1.53512485958697, -2.69169618940638, 1.19839281085285].forEach((wanted, n) => near(first.feedforward[n] / whole, wanted, 1e-9, `b${n}`));
  [1, -1.69065929318241, 0.73248077421585].forEach((wanted, n) => near(first.feedback[n] / whole, wanted, 1e-9, `a${n}`));
  assert.deepEqual(second.feedforward, [1, -2, 1]);
  [1, -1.99004745483398, 0.99007225036621].forEach((wanted, n) => near(second.feedback[n], wanted, 1e-9, `second a${n}`));
});

test("a tone of 997 Hz at full scale is -3.01 LUFS in one channel, 0 in two, at any rate (the standard's own example)", () => {
  for (const rate of [16_000, 44_100, 48_000]) near(loudnessOf([[2, 1]], { rate }), -3.01, 0.05, rate);
  near(loudnessOf([[2, 1]], { channels: 2 }), 0, 0.02);
  near(loudnessOf([[2, 0.1]]), -23.01, 0.02, "ten times less is 20 dB less:");
});

test("low tones count for less and high ones for more", () => {
  assert.ok(loudnessOf([[2, 1]], { hertz: 30 }) < loudnessOf([[2, 1]]) - 4);
  near(loudnessOf([[2, 1]], { hertz: 8000 }), loudnessOf([[2, 1]]) + 3.3, 0.2);
});

test("what is silent, or far below the rest, does not make a clip quieter (the gates)", () => {
  near(loudnessOf([[4, 0.5], [8, 0]]), loudnessOf([[4, 0.5]]), 0.2, "rests:");
  near(loudnessOf([[4, 0.5], [8, 0.05]]), loudnessOf([[4, 0.5]]), 0.2, "20 LU below:");
  assert.ok(loudnessOf([[4, 0.5], [8, 0.25]]) < loudnessOf([[4, 0.5]]) - 2, "6 LU below counts");
  assert.equal(loudnessOf([[2, 0]]), -Infinity);
});

test("levels bring all sounds to the loudest, boost none by more than 12 dB, and drive none past full scale", () => {
  const levels = levelled({ mix: { lufs: -20, peak: 0.2 }, vocals: { lufs: -26, peak: 0.1 }, removed: { lufs: -60, peak: 0.001 } });
  near(levels.mix, 1, 1e-9);
  near(levels.vocals, 10 ** (6 / 20), 1e-9);
  near(levels.removed, 10 ** (12 / 20), 1e-9);
  const loud = levelled({ mix: { lufs: -10, peak: 0.9 }, vocals: { lufs: -16, peak: 0.9 } });
  near(loud.vocals * 0.9, 1, 1e-9, "the peak:");
  near(loud.vocals / loud.mix, 10 ** (6 / 20), 1e-9, "all are turned down together:");
  assert.deepEqual(levelled({ vocals: { lufs: -Infinity, peak: 0 } }), { vocals: 1 });
});
