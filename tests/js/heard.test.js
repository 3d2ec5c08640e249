import { random } from "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { Heard } from "../../annotation/static/annotation/shared/heard.js";

const LENGTH = 12;
const CELL = 0.05; // seconds

/** Stretches at random that lie on a grid. */
function stretches(chance, n) {
  return Array.from({ length: n }, () => {
    const start = Math.floor(chance() * 200);
    return [start * CELL, (start + 2 + Math.floor(chance() * 38)) * CELL];
  });
}

test("what was heard is the union of what sounded, in whatever order it came", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const chance = random(seed);
    const sounded = stretches(chance, 1 + Math.floor(chance() * 8));
    const cells = new Set(sounded.flatMap(([start, end]) => Array.from({ length: Math.round((end - start) / CELL) }, (_, n) => Math.round(start / CELL) + n)));
    const heard = new Heard({ sound: sounded });
    const share = (cells.size * CELL) / LENGTH;
    assert.ok(Math.abs(heard.share(LENGTH) - share) < 1e-6, `seed ${seed}: ${heard.share(LENGTH)} is not ${share}`);
    const intervals = heard.intervals();
    assert.ok(intervals.every(([start], n) => n === 0 || start > intervals[n - 1][1]), `seed ${seed}: in order and apart`);
    assert.deepEqual(new Heard({ sound: [...sounded].reverse() }).intervals(), intervals, `seed ${seed}`);
    assert.deepEqual(new Heard({ sound: intervals }).intervals(), intervals, `seed ${seed}: kept and taken up again it is the same`);
  }
});

test("what is missing and what was heard make up the clip", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const chance = random(seed);
    const heard = new Heard({ sound: stretches(chance, 4).map(([start, end]) => [start, Math.min(end, LENGTH)]) });
    const missing = heard.missing(LENGTH).reduce((sum, [start, end]) => sum + end - start, 0);
    const small = (1 - heard.share(LENGTH)) * LENGTH - missing;
    assert.ok(small > -1e-6 && small <= 5 * 0.15 + 1e-6, `seed ${seed}: but for gaps too short to notice (${small} s)`);
    assert.ok(heard.missing(LENGTH).every(([start, end]) => end - start >= 0.15 - 1e-9), `seed ${seed}`);
  }
});

test("a glimpse of a clip is no listening, and half of a clip is half", () => {
  const heard = new Heard();
  heard.add("sound", 3, 3.05);
  assert.deepEqual(heard.intervals(), []);
  heard.add("sound", 3.05, 3.2);
  assert.deepEqual(heard.intervals(), [[3, 3.2]], "but glimpses that meet add up");
  heard.add("sound", 6, 12.5);
  assert.ok(Math.abs(heard.share(LENGTH) - 6.2 / LENGTH) < 1e-9, "what lies past the end does not count");
});

test("each sound is counted for itself, and only the sound are asked for", () => {
  const heard = new Heard({ mix: [[0, 12]], sound: [[1, 12]] });
  assert.deepEqual(heard.all(), { mix: [[0, 12]], sound: [[1, 12]] });
  assert.deepEqual(heard.missing(LENGTH), [[0, 1]]);
  assert.deepEqual(new Heard({ mix: [[0, 12]] }).missing(LENGTH), [[0, 12]]);
});

test("of a clip without length nothing was heard", () => assert.equal(new Heard({ sound: [[0, 1]] }).share(0), 0));
