import "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { joined } from "../../annotation/static/annotation/shared/joining.js";

const MARKS = [{ id: "a", start: 1, end: 2 }, { id: "b", start: 3, end: 5 }, { id: "c", start: 5, end: 6 }, { id: "d", start: 8, end: 9 }];
const join = (start, end) => {
  const made = joined(MARKS, start, end);
  return [made.start, made.end, made.gone.map(({ id }) => id).join("")];
};

test("a stretch that no mark meets stays as it is", () => {
  assert.deepEqual(join(6.5, 7.5), [6.5, 7.5, ""]);
});

test("what overlaps, meets or is met by what it grew to is one mark", () => {
  assert.deepEqual(join(1.5, 2.5), [1, 2.5, "a"]);
  assert.deepEqual(join(2, 3), [1, 6, "abc"]);
  assert.deepEqual(join(4, 4.5), [3, 6, "bc"], "the second by way of the first");
  assert.deepEqual(join(0, 12), [0, 12, "abcd"]);
});
