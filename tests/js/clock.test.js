import { page } from "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { Clock } from "../../annotation/static/annotation/shared/clock.js";

const LATENCY = 0.25;

/** An audio clock that runs with the page's. */
function context(more = {}) {
  const began = page.now;
  return { state: "running", outputLatency: LATENCY, get currentTime() { return (page.now - began) / 1000; }, ...more };
}

test("what was heard at a moment is known however late the page comes round to it", () => {
  const clock = new Clock(context());
  for (let n = 0; n < 20; n += 1) {
    clock.look();
    page.pass(100);
  }
  const moment = page.now - 730;
  const asked = clock.at(moment);
  page.pass(5000);
  assert.ok(Math.abs(asked - (2 - 0.73 - LATENCY)) < 1e-9);
  assert.ok(Math.abs(clock.at(moment) - asked) < 1e-9, "and does not change any more");
  assert.ok(clock.at(0) <= clock.now, "no moment is later than now");
});

test("the latency that counts is the output's, else the base's, else none", () => {
  assert.equal(new Clock({ outputLatency: 0.2, baseLatency: 0.1 }).latency, 0.2);
  assert.equal(new Clock({ baseLatency: 0.1 }).latency, 0.1);
  assert.equal(new Clock({}).latency, 0);
});

test("a moment in the future is now", () => {
  const clock = new Clock(context());
  page.pass(1000);
  assert.ok(Math.abs(clock.at(page.now + 9000) - (1 - LATENCY)) < 1e-9);
});

test("a clock that stood still is not taken on from where it stood", () => {
  const still = { state: "suspended", outputLatency: 0, currentTime: 5 };
  const clock = new Clock(still);
  clock.look();
  page.pass(3000);
  assert.equal(clock.at(page.now - 1000), 5);
});

test("of two readings the earlier counts: some browsers know the clock only as it was, others as it will be", () => {
  const ahead = context({ getOutputTimestamp: () => ({ performanceTime: page.now, contextTime: 99 }) });
  page.pass(1000);
  assert.ok(Math.abs(new Clock(ahead).at(page.now) - (1 - LATENCY)) < 1e-9);
  const exact = context({ getOutputTimestamp: () => ({ performanceTime: page.now - 50, contextTime: 0.5 }) });
  page.pass(1000);
  assert.ok(Math.abs(new Clock(exact).at(page.now) - 0.55) < 1e-9);
});
