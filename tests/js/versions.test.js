import { page } from "./page.js";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { Keep } from "../../annotation/static/annotation/shared/keep.js";
import { begin, revisionOf, shapeOf, swap } from "../../annotation/static/annotation/annotate/versions.js";

const mark = (start, end, id = "x") => ({ id, value: { start, end, labels: ["Leak"] } });
const [MINE, THEIRS] = [[mark(1, 2)], [mark(5, 6), mark(7, 8)]];
const given = (more = {}) => ({ task: { id: 3 }, draft: null, draft_saved_at: null, draft_age: null, ...more });
let keep;

/** Answer every question with the button at this place, and remember what was asked. */
function choose(place) {
  const asked = [];
  page.whenAsked((dialog) => {
    asked.push(document.getElementById("ask-text").children.map(({ textContent }) => textContent).join(" "));
    queueMicrotask(() => document.getElementById("ask-answers").children[place].click());
    assert.equal(dialog.id, "ask");
  });
  return asked;
}

beforeEach(() => {
  page.reset();
  keep = new Keep("7");
  page.whenAsked(() => assert.fail("nobody is to be asked"));
});

test("the shape of marks is their times, in order, whatever else they have", () => {
  assert.equal(shapeOf([mark(5, 6, "a"), mark(1, 2, "b")]), shapeOf([mark(1, 2, "c"), { ...mark(5, 6, "d"), meta: { text: ["note"] } }]));
  assert.notEqual(shapeOf([mark(1, 2)]), shapeOf([mark(1, 2.001)]));
  assert.equal(shapeOf(null), shapeOf([]));
  assert.equal(shapeOf([{ id: "choice" }]), "[]", "what has no times is no mark");
});

test("without anything kept, a task begins with what the server has", async () => {
  assert.deepEqual(await begin(keep, given()), { result: null, unsent: false, base: null, sent: [] });
  assert.deepEqual(await begin(keep, given({ draft: THEIRS, draft_saved_at: "t1" })), { result: THEIRS, unsent: false, base: "t1", sent: [] });
  const answer = { revision: 4, result: MINE, age: 60 };
  assert.deepEqual((await begin(keep, given({ answer }))).result, MINE);
  assert.deepEqual([revisionOf(given({ answer })), revisionOf(given())], [4, 0]);
});

test("marks that this browser could not bring to the server go on, unasked, where nothing else changed", async () => {
  keep.keepDraft(3, MINE, false, { base: "t1", sent: ["s"] });
  assert.deepEqual(await begin(keep, given({ draft: THEIRS, draft_saved_at: "t1" })), { result: MINE, unsent: true, base: "t1", sent: ["s"] });
});

test("what the server has confirmed, or has as well, is the server's", async () => {
  keep.keepDraft(3, MINE, true, { base: "t0" });
  assert.equal((await begin(keep, given({ draft: THEIRS, draft_saved_at: "t1" }))).result, THEIRS);
  keep.keepDraft(3, [mark(1, 2, "another id")], false, { base: "t0" });
  assert.equal((await begin(keep, given({ draft: MINE, draft_saved_at: "t1" }))).unsent, false);
});

test("a draft of ours whose confirmation was lost is nobody else's", async () => {
  keep.keepDraft(3, MINE, false, { base: null, sent: [shapeOf(THEIRS)] });
  assert.deepEqual((await begin(keep, given({ draft: THEIRS, draft_saved_at: "t1" }))).result, MINE);
});

test("where two places changed a clip one chooses, and the other marks are kept", async () => {
  for (const [place, result, other] of [[0, MINE, THEIRS], [1, THEIRS, MINE]]) {
    page.reset();
    keep = new Keep("7");
    keep.keepDraft(3, MINE, false, { base: "t0", sent: [] });
    const asked = choose(place);
    const begun = await begin(keep, given({ draft: THEIRS, draft_saved_at: "t1", draft_age: 200 }));
    assert.match(asked.join(), /Here: 1 mark, changed just now.*on another device: 2 marks, changed 3 minutes ago/);
    assert.deepEqual([begun.result, begun.unsent, begun.base], [result, place === 0, "t1"]);
    assert.deepEqual(keep.other(3), other);
    assert.deepEqual([keep.draft(3).result, keep.draft(3).saved, keep.draft(3).base], [result, place === 1, "t1"]);
    assert.deepEqual((await begin(keep, given({ draft: THEIRS, draft_saved_at: "t1" }))).result, result, "asked once");
  }
});

test("an answer that was given meanwhile elsewhere is asked about too", async () => {
  keep.keepDraft(3, MINE, false, { base: null, revises: 0 });
  const asked = choose(0);
  const answer = { revision: 2, result: THEIRS, age: 7200 };
  assert.deepEqual((await begin(keep, given({ answer }))).result, MINE);
  assert.match(asked.join(), /Your answer: 2 marks, given 2 hours ago/);
  assert.equal(keep.draft(3).revises, 2);
});

test("marks can change places, there and back", () => {
  keep.keepDraft(3, MINE, true, { base: "t1" });
  keep.keepOther(3, THEIRS);
  swap(keep, 3, MINE, { base: "t1" });
  assert.deepEqual([keep.draft(3).result, keep.draft(3).saved, keep.draft(3).base, keep.other(3)], [THEIRS, false, "t1", MINE]);
});
