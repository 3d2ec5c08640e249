import "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { random } from "./page.js";
import { Course } from "../../annotation/static/annotation/shared/course.js";

const LENGTH = 12;
const STEP = 1 / 64; // seconds: exact in binary, so that steps add up

/** Walk through play second by second, as somebody with a stop watch would. */
function walked(orders, until) {
  const places = [];
  let [place, order] = [0, null];
  for (let n = 0; n * STEP < until; n += 1) {
    const next = orders.find(({ since }) => since === n * STEP);
    if (next) [order, place] = [next, next.offset ?? place];
    places.push({ place, sounds: Boolean(order?.rate) && (Boolean(order.loop) || place < LENGTH) });
    if (!order?.rate) continue;
    place += STEP * order.rate;
    if (order.loop && place >= order.loop.end) place = order.loop.start + (place - order.loop.end);
    if (!order.loop) place = Math.min(place, LENGTH);
  }
  return places;
}

/** Orders at random: to rest, to play, to play in a loop; at places and speeds that are whole steps. */
function orders(chance) {
  const whole = (most) => Math.floor(chance() * most);
  const found = [];
  for (let since = 0; found.length < 6; since += 1 + whole(5)) {
    const offset = whole(LENGTH - 1);
    const rate = [0.5, 1, 2][whole(3)];
    const kind = whole(3);
    if (kind === 0) found.push({ since, rate: 0 });
    else if (kind === 1) found.push({ since, offset, rate, loop: null });
    else found.push({ since, offset, rate, loop: { start: Math.max(0, offset - 1), end: offset + 1 + whole(2) } });
  }
  return found;
}

function courseOf(given) {
  const course = new Course();
  for (const { since, offset, rate, loop } of given) {
    if (rate) course.play(since, { when: since, offset, rate, loop, end: LENGTH });
    else course.rest(since, course.at(since));
  }
  return course;
}

test("a course says where play was, as whoever walks through it finds", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const given = orders(random(seed));
    const course = courseOf(given);
    walked(given, 30).forEach(({ place, sounds }, n) => {
      const [at, where] = [n * STEP, `seed ${seed}, audio second ${n * STEP}`];
      if (at < given[0].since) return;
      assert.ok(Math.abs(course.at(at) - place) < 1e-9, `${where}: ${course.at(at)} is not ${place}`);
      assert.equal(course.sounds(at), sounds, where);
    });
  }
});

test("what sounded is what the walk went over, however it is asked for", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const chance = random(seed);
    const given = orders(chance);
    const course = courseOf(given);
    const [from, until] = [Math.floor(chance() * 10), 12 + Math.floor(chance() * 18)];
    const steps = walked(given, until).map(({ place, sounds }, n) => ({ place, sounds, at: n * STEP, rate: given.findLast(({ since }) => since <= n * STEP)?.rate ?? 0 }));
    const gone = steps.filter(({ at, sounds }) => sounds && at >= from).reduce((sum, { rate, place }) => sum + Math.min(STEP * rate, Math.max(0, 30 - place)), 0);
    const sounded = course.sounded(from, until);
    const total = sounded.reduce((sum, [start, end]) => sum + end - start, 0);
    assert.ok(Math.abs(total - gone) < 1e-6, `seed ${seed}: ${total} s, walked ${gone} s`);
    assert.ok(sounded.every(([start, end]) => start < end && start >= 0 && end <= LENGTH + 2), `seed ${seed}`);
    const middle = (from + until) / 2;
    const halves = [...course.sounded(from, middle), ...course.sounded(middle, until)].reduce((sum, [start, end]) => sum + end - start, 0);
    assert.ok(Math.abs(halves - total) < 1e-6, `seed ${seed}: told in two parts it is the same`);
  }
});

test("a loop turns where its end is, and every turn is a jump", () => {
  const course = new Course();
  course.play(100, { when: 100, offset: 4, rate: 1, loop: { start: 2, end: 5 }, end: LENGTH });
  assert.deepEqual(course.sounded(100, 104.5), [[4, 5], [2, 5], [2, 2.5]]);
  assert.deepEqual(course.jumps(100, 104.5), [101, 104].map((at) => ({ at, before: 5, after: 2, turn: true })));
  assert.deepEqual(course.jumps(101, 103), [], "after the first of the two seconds, not at it");
  assert.equal(course.jumps(100, 101).length, 1, "and up to the second");
});

test("play that goes on where it rested is no jump, elsewhere it is one", () => {
  const course = new Course();
  course.play(0, { when: 0, offset: 3, rate: 1, loop: null, end: LENGTH });
  course.rest(2, course.at(2));
  course.play(5, { when: 5, offset: 5, rate: 1, loop: null, end: LENGTH });
  assert.deepEqual(course.jumps(0, 6), []);
  course.play(7, { when: 7, offset: 1, rate: 1, loop: null, end: LENGTH });
  assert.deepEqual(course.jumps(0, 8), [{ at: 7, before: 7, after: 1, turn: false }]);
});

test("play stops at the end of the clip, and rests there for ever", () => {
  const course = new Course();
  course.play(0, { when: 0, offset: 11, rate: 2, loop: null, end: LENGTH });
  assert.deepEqual([course.at(0.25), course.at(0.5), course.at(90)], [11.5, 12, 12]);
  assert.deepEqual([course.sounds(0.25), course.sounds(0.5), course.resting], [true, false, false]);
});
