import { page } from "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { Course } from "../../annotation/static/annotation/shared/course.js";
import { Marking } from "../../annotation/static/annotation/shared/marking.js";

const LENGTH = 12;
const REACTION = 0.25;

/** Somebody who hears as the page's clock goes: audio second 0 is now. */
function listener({ reaction = REACTION } = {}) {
  const began = page.now;
  const course = new Course();
  const player = { course, duration: LENGTH, loop: null, when: (moment = page.now) => (moment - began) / 1000, get time() { return course.at(player.when()); } };
  const marks = [];
  const marking = new Marking(player, { add: (start, end) => marks.push([start, end].map((time) => Math.round(time * 1e6) / 1e6)), reaction: () => reaction, changed: () => {} });
  return {
    ...{ player, marking, marks, course },
    play: (offset, loop = null, rate = 1) => {
      player.loop = loop;
      course.play(player.when(), { when: player.when(), offset, rate, loop, end: LENGTH });
    },
    rest: () => course.rest(player.when(), player.time),
    press: () => marking.press(page.now),
    release: () => marking.release(page.now),
    wait: (seconds) => page.pass(seconds * 1000),
  };
}

test("held, a mark goes from pressing to letting go, less the reaction", () => {
  const one = listener();
  one.play(2);
  one.wait(1);
  one.press();
  one.wait(2);
  one.release();
  assert.deepEqual(one.marks, [[2.75, 4.75]]);
  assert.equal(one.marking.from, null);
});

test("what counts is when the key moved, not when the page came round to it", () => {
  const one = listener();
  one.play(0);
  one.wait(2);
  const [down, up] = [page.now - 700, page.now - 100];
  one.marking.press(down);
  one.marking.release(up);
  assert.deepEqual(one.marks, [[1.05, 1.65]]);
});

test("a tap leaves it open until the next", () => {
  const one = listener();
  one.play(0);
  one.wait(1);
  one.press();
  one.wait(0.1);
  one.release();
  assert.deepEqual([one.marks, one.marking.held, one.marking.from], [[], false, 0.75]);
  one.wait(3);
  one.press();
  one.release();
  assert.deepEqual(one.marks, [[0.75, 3.85]]);
});

test("half speed halves what the reaction takes off, in seconds of the clip", () => {
  const one = listener();
  one.play(0, null, 0.5);
  one.wait(4);
  one.press();
  one.wait(2);
  one.release();
  assert.deepEqual(one.marks, [[1.875, 2.875]]);
});

test("at rest nobody reacts to anything", () => {
  const one = listener();
  one.play(0);
  one.wait(3);
  one.rest();
  one.wait(1);
  one.press();
  one.wait(0.05);
  one.release();
  one.play(3);
  one.wait(2);
  one.rest();
  one.press();
  assert.deepEqual(one.marks, [[3, 5]]);
});

test("no edge lies before the place that play jumped to", () => {
  const one = listener();
  one.play(8);
  one.wait(2);
  one.play(1);
  one.wait(0.1);
  one.press();
  one.wait(1);
  one.release();
  assert.deepEqual(one.marks, [[1, 1.85]]);
});

test("held over the turn of a loop it marks both sides of it, and nothing between", () => {
  const one = listener();
  one.play(2, { start: 2, end: 6 });
  one.wait(3.25);
  one.press();
  one.wait(2);
  one.release();
  assert.deepEqual(one.marks, [[2, 3], [5, 6]]);
});

test("held while somebody jumps, it marks what sounded, and nothing between", () => {
  const one = listener();
  one.play(1);
  one.wait(1);
  one.press();
  one.wait(1);
  one.play(8);
  one.wait(1);
  one.release();
  assert.deepEqual(one.marks, [[1.75, 3], [8, 8.75]]);
});

test("a loop gone round in as a whole ends it, and the tap that comes late is that end", () => {
  const one = listener({ reaction: 0 });
  one.play(2, { start: 2, end: 3 });
  one.press();
  one.wait(1.1);
  one.marking.look();
  assert.deepEqual(one.marks, [[2, 3]]);
  one.wait(0.5);
  one.press();
  assert.equal(one.marking.from, null, "it was to end what has ended");
  one.wait(1);
  one.press();
  assert.notEqual(one.marking.from, null);
});

test("the end of the clip ends it", () => {
  const one = listener();
  one.play(10);
  one.wait(1);
  one.press();
  one.wait(2);
  one.course.rest(one.player.when(), LENGTH);
  one.marking.look();
  assert.deepEqual(one.marks, [[10.75, 12]]);
});

test("tapped backwards, after a jump, it still runs forward", () => {
  const one = listener({ reaction: 0 });
  one.play(6);
  one.press();
  one.release();
  one.wait(1);
  one.play(3);
  one.wait(1);
  one.press();
  assert.deepEqual(one.marks, [[4, 6]]);
});

test("what is too short to be a mark is none, and what is given up neither", () => {
  const one = listener();
  one.play(0);
  one.wait(1);
  one.press();
  one.wait(0.01);
  one.marking.finish();
  assert.equal(one.marks.length, 1, "less the reaction it is as long as that");
  one.marks.length = 0;
  one.press();
  one.press();
  assert.deepEqual(one.marks, []);
  one.press();
  assert.deepEqual([one.marking.drop(), one.marking.drop(), one.marks], [true, false, []]);
});

test("a key that is lost elsewhere ends the mark where the sound was, with nothing taken off", () => {
  const one = listener();
  one.play(0);
  one.wait(1);
  one.press();
  one.wait(1);
  one.marking.lose(page.now);
  assert.deepEqual(one.marks, [[0.75, 2]]);
});

test("a mark is what was heard between pressing and letting go, whatever play did meanwhile", () => {
  const loop = { start: 2, end: 4 };
  const cases = {
    "less the reaction": [[[0, "play", 0], [3, "press"], [5, "release"]], [[2.75, 4.75]]],
    "not before the sound began": [[[0, "rest", 3], [1, "play", 3], [1.1, "press"], [2, "release"]], [[3, 3.75]]],
    "not before a seek": [[[0, "play", 0], [5, "play", 8], [5.125, "press"], [6, "release"]], [[8, 8.75]]],
    "over a turn": [[[0, "play", 2, loop], [1.25, "press"], [2.75, "release"]], [[2, 2.5], [3, 4]]],
    "let go right after the turn": [[[0, "play", 2, loop], [1.25, "press"], [2.125, "release"]], [[3, 4]]],
    "tapped over a turn": [[[0, "play", 2, loop], [1.25, "press"], [1.375, "release"], [2.75, "press"]], [[2, 2.5], [3, 4]]],
    "held over a seek": [[[0, "play", 0], [1, "press"], [2, "play", 8], [3, "release"]], [[0.75, 2], [8, 8.75]]],
    "held over a seek back": [[[0, "play", 0], [2, "press"], [4, "play", 1], [6, "release"]], [[1, 4]]],
    "tapped, and sought forward": [[[0, "play", 0], [1, "press"], [1.125, "release"], [2, "play", 8], [3, "press"]], [[0.75, 8.75]]],
    "tapped, then into a loop elsewhere": [[[0, "play", 8], [0.5, "press"], [0.625, "release"], [1, "play", 2, loop], [3.75, "press"]], [[2, 4], [8.25, 9]]],
    "held and paused": [[[0, "play", 0], [1, "press"], [3, "rest", 3], [5, "release"]], [[0.75, 3]]],
    "held, paused, and gone elsewhere": [[[0, "play", 0], [1, "press"], [3, "rest", 3], [4, "rest", 9], [5, "release"]], [[0.75, 3]]],
    "tapped at rest": [[[0, "rest", 2], [1, "press"], [1.5, "release"], [2, "rest", 3], [3, "press"]], [[2, 3]]],
    "the key is lost": [[[0, "play", 0], [1, "press"], [3, "lose"]], [[0.75, 3]]],
  };
  for (const [name, [steps, wanted]] of Object.entries(cases)) {
    const made = [];
    const player = { course: new Course(), duration: LENGTH, loop: null, time: 0, when: (ms) => ms / 1000 };
    const marking = new Marking(player, { add: (start, end) => made.push([start, end]), reaction: () => REACTION, changed: () => {} });
    for (const [at, what, place, within = null] of steps) {
      if (what === "play") player.course.play(at, { when: at, offset: place, rate: 1, loop: within, end: LENGTH });
      else if (what === "rest") player.course.rest(at, place);
      else marking[what](at * 1000);
    }
    assert.deepEqual(made, wanted, name);
  }
});
