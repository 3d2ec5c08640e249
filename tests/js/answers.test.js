import { page, server, settle } from "./page.js";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { Answers, uuid } from "../../annotation/static/annotation/annotate/answers.js";
import { Ahead } from "../../annotation/static/annotation/annotate/ahead.js";
import { Refused } from "../../annotation/static/annotation/shared/api.js";
import { Keep } from "../../annotation/static/annotation/shared/keep.js";

const GONE = new TypeError("network");
const KEPT = [201, { status: "accepted" }];
const body = (key = "k") => ({ client_key: key, result: [], heard: [], played: {}, lead_time: 1, revises: 0 });
let keep;

beforeEach(() => {
  page.reset();
  keep = new Keep("7");
});

test("an answer is kept until the server has it, and then nothing of it is", async () => {
  const requests = server((request) => {
    assert.equal(keep.answers().length, 1, "before it is sent");
    return request.url === "/below/api/tasks/3/submission/" ? KEPT : [404, {}];
  });
  keep.keepDraft(3, [], false);
  keep.keepHeard(3, { vocals: [[0, 1]] });
  const answers = new Answers(keep, "songs");
  assert.deepEqual(await answers.deliver(3, body()), { status: "accepted" });
  assert.deepEqual([keep.answers(), keep.draft(3), keep.heard(3), answers.unsent], [[], null, {}, false]);
  assert.deepEqual(requests.map(({ method, body: { client_key: key } }) => [method, key]), [["PUT", "k"]]);
});

test("a refused answer is a draft again", async () => {
  server([400, { detail: "result[0] is outside the clip.", region: "result[0]" }]);
  const refused = await new Answers(keep, "songs").deliver(3, { ...body(), result: ["mark"] }).catch((error) => error);
  assert.ok(refused instanceof Refused && refused.body.region === "result[0]");
  assert.deepEqual([keep.answers(), keep.draft(3).result, keep.draft(3).saved], [[], ["mark"], false]);
});

test("while the network is gone answers wait in order, go out with the keys they had, and nothing comes between", async () => {
  const told = [];
  const answers = new Answers(keep, "songs", (n, arrived) => told.push([n, arrived]));
  const requests = server(GONE);
  assert.deepEqual(await answers.deliver(1, body("a"), () => true), { status: "waiting" });
  assert.deepEqual(await answers.deliver(2, body("b"), () => true), { status: "waiting" });
  assert.deepEqual([requests.length, answers.unsent, keep.answers().length], [1, true, 2], "the second does not overtake the first");
  assert.match(page.said("notice-text"), /There is|does not answer/);
  assert.equal(await answers.prefetch(), null, "the server would give the answered ones again");
  assert.deepEqual(await answers.next(() => "fetched ahead"), "fetched ahead");
  const later = server(KEPT);
  for (let n = 0; n < 4; n += 1) {
    page.pass(40_000);
    for (let rest = 0; rest < 5; rest += 1) await settle();
  }
  assert.deepEqual(later.map(({ body: { client_key: key } }) => key), ["a", "b"]);
  assert.deepEqual([answers.unsent, keep.answers(), told], [false, [], [[1, 0], [2, 0], [1, 1], [0, 1]]]);
  assert.match(page.said("notice-text"), /The network is back/);
});

test("one that is refused while others wait does not stop them", async () => {
  const answers = new Answers(keep, "songs");
  server(GONE);
  await answers.deliver(1, body("a"), () => true);
  await answers.deliver(2, body("b"), () => true);
  const later = server([400, { detail: "Too many regions." }], KEPT);
  for (let n = 0; n < 4; n += 1) {
    page.pass(40_000);
    for (let rest = 0; rest < 5; rest += 1) await settle();
  }
  assert.deepEqual(later.map(({ url }) => url), ["/below/api/tasks/1/submission/", "/below/api/tasks/2/submission/"]);
  assert.match(page.said("notice-text"), /One was refused, and is a draft again: Too many regions/);
  assert.deepEqual([keep.answers(), keep.draft(1).saved], [[], false]);
});

test("another answer of the same person is replaced only if they say so", async () => {
  const there = [409, { error: "AlreadyAnswered", detail: "This clip is answered.", revision: 5, marks: 2, age: 90 }];
  for (const [place, status] of [[0, "left"], [1, "accepted"]]) {
    page.whenAsked(() => queueMicrotask(() => document.getElementById("ask-answers").children[place].click()));
    const requests = server(there, KEPT);
    assert.equal((await new Answers(keep, "songs").deliver(3, { ...body(), result: ["mine"] })).status, status);
    assert.deepEqual(requests.map(({ body: { revises } }) => revises), place ? [0, 5] : [0]);
    assert.deepEqual([keep.answers(), keep.draft(3)?.result], [[], place ? undefined : ["mine"]], "what was not sent is a draft");
  }
});

test("answers of an earlier visit are sent, and one that is refused holds up none", async () => {
  keep.keepAnswer(1, body("a"));
  keep.keepAnswer(2, body("b"));
  server([400, { detail: "No." }], [201, { status: "surplus", thanked: "Thank you." }]);
  assert.deepEqual(await new Answers(keep, "songs").deliverKept(), [{ status: "surplus", thanked: "Thank you." }]);
});

test("a skip that is no longer ours is none, one that something comes before says so", async () => {
  const answers = new Answers(keep, "songs");
  server([204]);
  assert.equal(await answers.skip(3, "bad audio"), true);
  server([409, { detail: "Somebody else has it." }]);
  assert.equal(await answers.skip(3, "bad audio"), false);
  server([403, { detail: "First this.", go: "/below/c/songs/me/" }]);
  assert.equal((await answers.skip(3, "bad audio").catch((error) => error)).body.go, "/below/c/songs/me/");
});

test("a campaign that gives nothing ahead is not asked again", async () => {
  const answers = new Answers(keep, "songs");
  const requests = server([404, { detail: "Not here." }]);
  assert.deepEqual([await answers.prefetch(), await answers.prefetch(), requests.length], [[], [], 1]);
});

test("a key is a random UUID", () => {
  const keys = new Set(Array.from({ length: 500 }, uuid));
  assert.equal(keys.size, 500);
  for (const key of keys) assert.match(key, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("what comes next is made ready in order, without the clip in hand, and without those that cannot be loaded", async () => {
  const given = (id) => ({ task: { id }, duration: 12 });
  const [kept, sizes] = [[], []];
  const clips = { only: (ids) => kept.push(ids), get: async ({ task: { id } }) => ({ whole: id === 5 ? Promise.reject(new Error("no sound")) : Promise.resolve() }) };
  const ahead = new Ahead({ prefetch: async () => [given(3), given(4), given(5), given(6)] }, clips, (n) => sizes.push(n));
  await ahead.fetch(3, () => false);
  assert.deepEqual([kept, sizes], [[[3, 4, 5, 6]], [0, 1, 2]]);
  ahead.gone(4);
  assert.deepEqual([ahead.size, ahead.take(), ahead.take(), ahead.size], [1, { ...given(6), ahead: true }, undefined, 0]);
  await ahead.fetch(3, () => true);
  assert.equal(ahead.size, 0, "the person has gone on");
});
