import { page, server, settle } from "./page.js";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { DraftKeeper } from "../../annotation/static/annotation/annotate/drafts.js";
import { shapeOf } from "../../annotation/static/annotation/annotate/versions.js";
import { Keep } from "../../annotation/static/annotation/shared/keep.js";

const mark = (start) => ({ id: String(start), value: { start, end: start + 1 } });
let [keep, marks, elsewhere] = [];

function keeper(more = {}) {
  const about = { unsent: false, base: null, sent: [], revises: 0, elsewhere: (draft) => elsewhere.push(draft), ...more };
  return new DraftKeeper(keep, 3, { shape: () => shapeOf(marks), result: () => [...marks], ...about });
}

/** Let time pass as the page does: it looks ten times a second. */
async function pass(draft, seconds) {
  for (let n = 0; n < Math.round(seconds * 10); n += 1) {
    page.pass(100);
    draft.watch();
    for (let rest = 0; rest < 4; rest += 1) await settle();
  }
}

beforeEach(() => {
  page.reset();
  keep = new Keep("7");
  [marks, elsewhere] = [[], []];
});

test("a change is kept here at once, and on the server when one pauses", async () => {
  const requests = server([200, { saved_at: "t1" }]);
  const draft = keeper();
  marks = [mark(1)];
  await pass(draft, 0.1);
  assert.deepEqual([keep.draft(3).result, keep.draft(3).saved, requests.length], [marks, false, 0]);
  await pass(draft, 1);
  assert.deepEqual(requests.map(({ url, body }) => [url, body]), [["/below/api/tasks/3/draft/", { result: marks, based_on: null, revises: 0 }]]);
  assert.deepEqual([keep.draft(3).saved, keep.draft(3).base, draft.isStuck], [true, "t1", false]);
  await pass(draft, 10);
  assert.equal(requests.length, 1, "nothing new, nothing sent");
});

test("who never pauses is saved within two seconds, and the next draft goes on from that one", async () => {
  let n = 0;
  const requests = server(() => [200, { saved_at: `t${(n += 1)}` }]);
  const draft = keeper();
  for (let step = 0; step < 50; step += 1) {
    marks = [...marks, mark(step)];
    await pass(draft, 0.1);
  }
  assert.ok(requests.length >= 2 && requests.length <= 4, `${requests.length} in five seconds`);
  assert.deepEqual(requests.map(({ body: { based_on: base } }) => base), [null, "t1", "t2", "t3"].slice(0, requests.length));
  assert.equal(keep.draft(3).saved, false, "what came after it is unsent");
});

test("without a network it tries again, and says that it is kept here", async () => {
  server(new TypeError("network"));
  const draft = keeper();
  marks = [mark(1)];
  await pass(draft, 2);
  assert.match(page.said("saved"), /^Kept in this browser \(/);
  assert.equal(draft.isStuck, true);
  const requests = server([200, { saved_at: "t1" }]);
  await pass(draft, 5);
  assert.equal(requests.length, 1);
  assert.deepEqual([draft.isStuck, keep.draft(3).saved], [false, true]);
  assert.match(page.said("saved"), /^Saved /);
});

test("where the browser keeps nothing either, it says not to close the page", async () => {
  server(new TypeError("network"));
  localStorage.full = true;
  const draft = keeper();
  marks = [mark(1)];
  await pass(draft, 2);
  assert.match(page.said("saved"), /this browser keeps nothing: do not close this page/);
});

test("a draft of ours whose confirmation was lost is no other's; somebody else's is told of", async () => {
  const draft = keeper();
  marks = [mark(1)];
  server(new TypeError("network"));
  await pass(draft, 2);
  const requests = server([409, { error: "DraftChanged", draft: { result: [mark(1)], saved_at: "t1" } }], [200, { saved_at: "t2" }]);
  marks = [mark(1), mark(5)];
  await pass(draft, 4);
  assert.deepEqual([elsewhere, requests.at(-1).body.based_on, keep.draft(3).base], [[], "t1", "t2"]);
  server([409, { error: "DraftChanged", draft: { result: [mark(9)], saved_at: "t3" } }]);
  marks = [];
  await pass(draft, 2);
  assert.deepEqual(elsewhere, [{ result: [mark(9)], saved_at: "t3" }]);
});

test("what was unsent when the task was opened is sent without a change", async () => {
  marks = [mark(1)];
  const requests = server([200, { saved_at: "t2" }]);
  await pass(keeper({ unsent: true, base: "t1", revises: 4 }), 1.2);
  assert.deepEqual(requests.map(({ body }) => body), [{ result: marks, based_on: "t1", revises: 4 }]);
});

test("the last chance sends what nobody has seen yet, and only that", async () => {
  const requests = server([200, { saved_at: "t1" }]);
  const draft = keeper();
  draft.flush();
  assert.equal(requests.length, 0);
  marks = [mark(1)];
  draft.flush();
  assert.equal(requests.length, 1);
  await settle();
});

test("a clip that was answered meanwhile gets no draft back", async () => {
  let answer;
  globalThis.fetch = () => new Promise((resolve) => (answer = resolve));
  const draft = keeper();
  marks = [mark(1)];
  await pass(draft, 1.2);
  draft.end();
  keep.dropDraft(3);
  answer(new Response(JSON.stringify({ saved_at: "t1" }), { headers: { "Content-Type": "application/json" } }));
  for (let rest = 0; rest < 5; rest += 1) await settle();
  assert.equal(keep.draft(3), null);
});
