import { page } from "./page.js";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { Keep } from "../../annotation/static/annotation/shared/keep.js";

const DAY = 24 * 3600 * 1000;
const body = (key) => ({ client_key: key, result: [] });

/** As if everything had been kept so many days ago. */
function age(days) {
  for (const name of Object.keys(localStorage)) {
    const entry = JSON.parse(localStorage.getItem(name));
    localStorage.setItem(name, JSON.stringify({ ...entry, at: entry.at - days * DAY }));
  }
}

beforeEach(() => page.reset());

test("what is kept is there for the same membership, and for no other", () => {
  const keep = new Keep("7");
  assert.ok(keep.keepDraft(3, ["a"], false, { base: "x" }));
  assert.ok(keep.keepOther(3, ["b"]) && keep.keepHeard(3, { vocals: [[0, 1]] }) && keep.keepAnswer(3, body("k")));
  keep.keepChoice("listen", "mix");
  const again = new Keep("7");
  assert.deepEqual([again.draft(3).result, again.draft(3).base, again.other(3), again.heard(3)], [["a"], "x", ["b"], { vocals: [[0, 1]] }]);
  assert.deepEqual([again.answers(), again.choice("listen")], [[[3, body("k")]], "mix"]);
  const other = new Keep("77");
  assert.deepEqual([other.draft(3), other.other(3), other.heard(3), other.answers(), other.choice("listen")], [null, null, {}, [], undefined]);
  assert.ok(Object.keys(localStorage).every((name) => name.startsWith("unbleed/below:7:")), "another site may lie beside this one");
});

test("nothing that the server does not have is ever forgotten", () => {
  const keep = new Keep("7");
  keep.keepDraft(1, ["unsent"], false);
  keep.keepDraft(2, ["saved"], true);
  keep.keepHeard(1, { vocals: [[0, 1]] });
  keep.keepHeard(2, { vocals: [[0, 2]] });
  keep.keepHeard(4, { vocals: [[0, 4]] });
  keep.keepAnswer(4, body("k"));
  keep.keepChoice("listen", "mix");
  age(13);
  assert.deepEqual(new Keep("7").draft(2).result, ["saved"]);
  age(60);
  const late = new Keep("7");
  assert.deepEqual([late.draft(1).result, late.draft(2)], [["unsent"], null]);
  assert.deepEqual([late.heard(1), late.heard(2), late.heard(4)], [{ vocals: [[0, 1]] }, {}, { vocals: [[0, 4]] }]);
  assert.deepEqual([late.answers().length, late.choice("listen")], [1, "mix"]);
});

test("answers come back in the order in which they were given, two of one task among them", () => {
  const keep = new Keep("7");
  for (const [task, key] of [[9, "a"], [3, "b"], [9, "c"]]) {
    keep.keepAnswer(task, body(key));
    age(1);
  }
  assert.deepEqual(new Keep("7").answers().map(([task, { client_key: key }]) => [task, key]), [[9, "a"], [3, "b"], [9, "c"]]);
  keep.dropAnswer(9, body("a"));
  assert.deepEqual(new Keep("7").answers().map(([, { client_key: key }]) => key), ["b", "c"]);
});

test("an answer that an earlier version kept under the task alone is dropped when it has arrived", () => {
  const keep = new Keep("7");
  localStorage.setItem("unbleed/below:7:answer:3", JSON.stringify({ body: body("old"), at: 1 }));
  assert.deepEqual(keep.answers(), [[3, body("old")]]);
  keep.dropAnswer(3, body("another"));
  assert.equal(keep.answers().length, 1);
  keep.dropAnswer(3, body("old"));
  assert.deepEqual(keep.answers(), []);
});

test("where the browser keeps nothing, it is there until the page goes, and that is said", () => {
  const keep = new Keep("7");
  keep.keepDraft(1, ["before"], true);
  localStorage.full = true;
  assert.equal(keep.wouldLose, false);
  assert.equal(keep.keepDraft(1, ["newer"], false), false);
  assert.deepEqual([keep.draft(1).result, keep.wouldLose], [["newer"], true]);
  assert.deepEqual(new Keep("7").draft(1).result, ["before"], "another page has what was stored");
  assert.equal(keep.keepDraft(1, ["newer"], true), false);
  assert.equal(keep.wouldLose, false, "the server has it");
  assert.equal(keep.keepAnswer(1, body("k")), false);
  assert.equal(keep.wouldLose, true);
  localStorage.full = false;
  assert.equal(keep.keepAnswer(1, body("k")), true);
  assert.equal(keep.wouldLose, false);
});

test("what cannot be read is no hindrance", () => {
  localStorage.setItem("unbleed/below:7:draft:1", "{ half an entr");
  const keep = new Keep("7");
  assert.deepEqual([keep.draft(1), keep.answers()], [null, []]);
  globalThis.localStorage = { get length() { throw new DOMException("denied", "SecurityError"); }, getItem() { throw new DOMException("denied", "SecurityError"); } };
  assert.doesNotThrow(() => new Keep("7").keepDraft(1, [], false));
});
