import "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { PartsPlayer } from "../../annotation/static/annotation/track/parts_player.js";

const [PART, OVERLAP, DURATION] = [30, 0.05, 75];

class Gain {
  ramps = [];
  constructor() {
    const { ramps } = this;
    this.gain = { value: 1, cancelScheduledValues() {}, setValueAtTime: (value, at) => ramps.push([value, at]), linearRampToValueAtTime: (value, at) => ramps.push([value, at]), setTargetAtTime() {} };
  }

  connect(to) {
    return to;
  }
}

class Source extends EventTarget {
  constructor(context, { buffer }) {
    super();
    this.buffer = buffer;
    context.sources.push(this);
  }

  connect(to) {
    return to;
  }

  start(when, offset) {
    Object.assign(this, { when, offset });
  }

  stop() {
    this.stopped = true;
  }
}

Object.assign(globalThis, { GainNode: Gain, AudioBufferSourceNode: Source });

/** Parts come when the test lets them. */
function desk(sounds = ["mix", "voice"]) {
  const context = { currentTime: 0, state: "running", sources: [], destination: {} };
  const waiting = new Map();
  const fetchPart = (sound, number) => new Promise((resolve, reject) => {
    waiting.set(`${number} ${sound}`, { give: () => resolve({ duration: PART + OVERLAP, name: `${number} ${sound}` }), refuse: reject });
  });
  const failed = [];
  const player = new PartsPlayer(context, { duration: DURATION, part: PART, overlap: OVERLAP, sounds }, { fetchPart, failed: (error) => failed.push(error.message) });
  const give = async (name) => {
    waiting.get(name).give();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const started = () => Object.fromEntries(context.sources.filter(({ stopped }) => !stopped).map(({ buffer, when, offset }) => [buffer.name, when - offset]));
  return { context, player, waiting, give, started, failed };
}

const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("it plays as soon as what is listened to is there, and what comes late starts where the others are", async () => {
  const { context, player, give, started } = desk();
  void player.play();
  assert.equal(player.state, "waiting");
  await give("0 mix");
  assert.equal(player.state, "playing");
  context.currentTime = 4;
  await give("0 voice");
  const origins = started();
  near(origins["0 mix"], origins["0 voice"]);
});

test("the next part begins when this one ends, to the sample, and fades in over its tail", async () => {
  const { context, player, give, started, waiting } = desk();
  void player.play();
  await give("0 mix");
  context.currentTime = 10;
  player.look();
  assert.ok(!waiting.has("1 mix"), "not long before it is needed");
  context.currentTime = 22;
  player.look();
  await give("1 mix");
  const origins = started();
  near(origins["1 mix"] - origins["0 mix"], PART);
});

test("another sound is heard from where the one before was, and is fetched only when somebody wants it", async () => {
  const { context, player, give, started, waiting } = desk(["mix"]);
  void player.play();
  await give("0 mix");
  context.currentTime = 7;
  assert.ok(!waiting.has("0 drums"));
  player.listen("drums");
  await give("0 drums");
  near(started()["0 drums"], started()["0 mix"]);
});

test("what was on its way when somebody jumped is not started", async () => {
  const { context, player, give, started } = desk();
  void player.play();
  await give("0 mix");
  context.currentTime = 3;
  player.seek(40);
  await give("1 mix");
  await give("0 voice");
  assert.deepEqual(Object.keys(started()), ["1 mix"]);
  near(player.time, 40);
});

test("a stretch ends where it was to end, and the whole at its end", async () => {
  const { context, player, give } = desk(["mix"]);
  player.playRange(31, 33);
  await give("1 mix");
  context.currentTime = 1;
  player.look();
  assert.equal(player.state, "playing");
  context.currentTime = 2.5;
  player.look();
  assert.equal(player.state, "rest");
  near(player.time, 33);
  player.seek(74);
  void player.play();
  await give("2 mix");
  context.currentTime = 10;
  player.look();
  assert.equal(player.state, "rest");
  near(player.time, DURATION);
});

test("what cannot be loaded is said, and can be tried again", async () => {
  const { player, waiting, failed, give } = desk(["mix"]);
  void player.play();
  waiting.get("0 mix").refuse(new Error("gone"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(failed, ["gone"]);
  assert.equal(player.state, "rest");
  void player.play();
  await give("0 mix");
  assert.equal(player.state, "playing");
});
