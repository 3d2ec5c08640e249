// Live pages: what asks again, when, and what does not.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import "./page.js";

class Part extends EventTarget {
  constructor(live, { poll = false, boxes = 1 } = {}) {
    super();
    Object.assign(this, { id: "", dataset: { live, ...(poll && { poll: "" }) }, isConnected: true, asked: 0 });
    this.getClientRects = () => ({ length: boxes });
    this.addEventListener("live", () => (this.asked += 1));
  }
}

/** What is observed and out of sight waits here until it is scrolled to. */
const sight = { observed: new Set(), of: new Set(), tell: null };
globalThis.IntersectionObserver = class {
  constructor(tell) {
    sight.tell = tell;
  }

  observe(target) {
    sight.observed.add(target);
    if (sight.of.has(target)) this.show(target);
  }

  unobserve(target) {
    sight.observed.delete(target);
  }

  show(target) {
    sight.tell([{ target, isIntersecting: true }]);
  }
};

class Socket {
  static OPEN = 1;
  readyState = 1;

  constructor() {
    socket = this;
  }

  close() {}
}
let socket;

/** Let time go by in steps, since a timer that is set by another begins at the end of a step. */
function wait(ms) {
  for (let gone = 0; gone < ms; gone += 100) mock.timers.tick(100);
}

function changed(type) {
  socket.onmessage({ data: JSON.stringify({ type, id: 1 }) });
}

const state = new Part("task submission", { poll: true });
const people = new Part("member", { poll: true });
const below = new Part("task", { poll: true });
const bell = new Part("notice", { boxes: 0 });
const parts = [state, people, below, bell];

mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 });
globalThis.window = Object.assign(new EventTarget(), { WebSocket: Socket });
globalThis.WebSocket = Socket;
globalThis.location = { origin: "http://here" };
document.body.dataset.liveEvents = "/ws/events";
document.querySelectorAll = (which) => parts.filter((one) => !which.includes("data-poll") || "poll" in one.dataset);
sight.of = new Set([state, people]);
await import("../../platform/hub/static/hub/live.js");
socket.onopen();

beforeEach(() => {
  socket.onopen(); // from here the next poll of all is a minute away
  wait(3000);
  for (const one of parts) one.asked = 0;
});
afterEach(() => sight.observed.clear());

test("only that asks again which shows what changed", () => {
  changed("submission");
  wait(200);
  assert.deepEqual(parts.map((one) => one.asked), [1, 0, 0, 0]);
});

test("however much changes, nothing asks more often than every two seconds", () => {
  for (let n = 0; n < 100; n += 1) {
    changed("submission");
    mock.timers.tick(60);
  }
  assert.ok(state.asked >= 3 && state.asked <= 4, `${state.asked} times in six seconds`);
});

test("what is out of sight waits until it is looked at, and then asks once", () => {
  for (let n = 0; n < 5; n += 1) {
    changed("task");
    wait(3000);
  }
  assert.equal(below.asked, 0);
  sight.tell([{ target: below, isIntersecting: true }]);
  assert.equal(below.asked, 1);
  assert.ok(!sight.observed.has(below));
});

test("what has no box asks all the same", () => {
  changed("notice");
  wait(200);
  assert.equal(bell.asked, 1);
});

test("with a WebSocket everything that polls does so every minute, without one every ten seconds", () => {
  wait(60_000);
  assert.equal(people.asked, 1);
  socket.readyState = 3;
  wait(30_000);
  socket.readyState = 1;
  assert.equal(people.asked, 4);
  assert.equal(bell.asked, 0);
});

test("after a time in which nobody heard anything everything is asked for", () => {
  changed("lost");
  wait(200);
  assert.deepEqual([state.asked, people.asked, bell.asked], [1, 1, 1]);
});
