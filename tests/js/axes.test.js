import "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { pitchLines, timeLines } from "../../annotation/static/annotation/shared/axes.js";

const labels = (start, length, apart) => timeLines({ start, length }, apart).map(({ label }) => label);

test("lines of time are at round seconds, no closer than asked for, however far one zooms in", () => {
  assert.deepEqual(labels(0, 15, 0.1), ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s", "12 s", "14 s"]);
  assert.deepEqual(labels(3.1, 1, 0.2), ["3.2 s", "3.4 s", "3.6 s", "3.8 s", "4.0 s"]);
  assert.deepEqual(labels(4.93, 0.2, 0.2), ["4.95 s", "5.00 s", "5.05 s", "5.10 s"]);
  assert.equal(labels(0, 30, 0.9).at(-1), "30 s", "the coarsest there is");
});

test("lines of frequency lie where the server draws them: evenly in mel, the highest on top", () => {
  const lines = pitchLines();
  assert.deepEqual([lines[0].label, lines.at(-1).label], ["100 Hz", "10 kHz"]);
  const shares = lines.map(({ share }) => share);
  assert.deepEqual(shares, [...shares].sort((a, b) => b - a));
  const share = (hertz) => lines.find(({ label }) => label === hertz).share;
  assert.ok(Math.abs(share("1 kHz") - 0.7141) < 1e-3, `1000 mel of 92.6 to 3266: ${share("1 kHz")}`);
});
