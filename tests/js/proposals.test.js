import { page } from "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { FirstMarks } from "../../annotation/static/annotation/annotate/first_marks.js";
import { Proposals } from "../../annotation/static/annotation/annotate/proposals.js";

const item = (id, start, end) => ({ id, origin: "prediction", value: { start, end, channel: 0, labels: ["Leak"] } });
const task = () => ({ predictions: [{ result: [item("proposal1", 1, 2), item("proposal2", 5, 7)] }] });

test("a key means the proposal where the sound is, else the next, else the first", () => {
  const given = task();
  const one = new Proposals(() => given, () => []);
  assert.deepEqual([0, 1.5, 3, 6, 9].map((time) => one.at(time).id), ["proposal1", "proposal1", "proposal2", "proposal2", "proposal1"]);
});

test("what is accepted or dismissed is gone, and back when its mark is taken back", () => {
  let given = task();
  let marks = [];
  const one = new Proposals(() => given, () => marks);
  marks = [{ id: "proposal1" }];
  assert.deepEqual(one.parts(), [[5, 7]]);
  one.show(true);
  assert.equal(page.said("proposals-left"), "The model proposes 1 mark");
  one.dismiss(one.at(0));
  assert.deepEqual([one.left, one.at(0)], [[], undefined]);
  marks = [];
  assert.deepEqual(one.left.map(({ id }) => id), ["proposal1"]);
  given = null;
  assert.deepEqual(one.left, []);
});

test("a proposal accepted before the editor is there is a mark under its id, taken back in one step, and joined with what it meets", () => {
  const [{ result: [first, second] }] = task().predictions;
  const marks = new FirstMarks([item("drawn", 6.5, 8)], 12, () => ({ left: 0, width: 100 }), {});
  marks.put(first);
  assert.deepEqual(marks.result().map(({ id, origin, value }) => [id, origin, value.start, value.end]), [["proposal1", "prediction", 1, 2], ["drawn", "prediction", 6.5, 8]]);
  marks.undo();
  assert.deepEqual(marks.regions().map(({ id }) => id), ["drawn"]);
  marks.redo();
  marks.put(second);
  assert.deepEqual(marks.result().map(({ id, value }) => [id, value.start, value.end]), [["proposal1", 1, 2], ["proposal2", 5, 8]]);
});
