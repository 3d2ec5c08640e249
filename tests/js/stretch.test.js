import assert from "node:assert/strict";
import test from "node:test";
import { joinPieces, pieces } from "../../annotation/static/annotation/shared/stretch.js";

const RATE = 8000;
const tone = (hertz, seconds) => Float32Array.from({ length: seconds * RATE }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / RATE));
const crossings = (samples) => samples.reduce((n, value, i) => n + (i > 0 && samples[i - 1] < 0 && value >= 0), 0);

for (const rate of [0.5, 1.25, 1.5, 2]) {
  test(`a tone played ${rate} times as fast keeps its pitch and its loudness`, () => {
    const sound = tone(443, 2);
    const made = joinPieces(sound, pieces(sound, RATE, rate), RATE, rate);
    assert.equal(made.length, Math.ceil(sound.length / rate));
    const inside = made.subarray(800, made.length - 800);
    assert.ok(Math.abs(crossings(inside) / (inside.length / RATE) - 443) < 5, `${crossings(inside) / (inside.length / RATE)} Hz`);
    const power = inside.reduce((sum, one) => sum + one * one, 0) / inside.length;
    assert.ok(Math.abs(power - 0.5) < 0.05, `power ${power}`);
  });
}

test("what sounds at a moment sounds within a hundredth of a second of its time, in every stem", () => {
  const sound = tone(300, 3);
  const click = new Float32Array(sound.length);
  click[2 * RATE] = 1;
  const made = joinPieces(click, pieces(sound, RATE, 1.5), RATE, 1.5);
  const at = made.indexOf(Math.max(...made)) / RATE;
  assert.ok(Math.abs(at * 1.5 - 2) < 0.04, `${at * 1.5} s`);
});
