import { RULES, page } from "./page.js";
import assert from "node:assert/strict";
import test from "node:test";

Object.assign(RULES, { tags: ["strings", "drums"], missing_label: "Missing" });
page.reset();
const { ACTIONS } = await import("../../annotation/static/annotation/shared/keymap.js");
const { asResult, asTag } = await import("../../annotation/static/annotation/shared/results.js");
const { verbs } = await import("../../annotation/static/annotation/shared/verbs.js");
const { shapeOf } = await import("../../annotation/static/annotation/annotate/versions.js");

test("each tag has a key with Shift, and the opposite mark one of its own", () => {
  const keys = Object.fromEntries(ACTIONS.map(([name, , own]) => [name, own]));
  assert.deepEqual([keys.tag1, keys.tag2, keys.tag3, keys.opposite], [["Shift+1"], ["Shift+2"], undefined, ["O"]]);
});

test("a key gives the mark in question its tag, and a second time takes it back", () => {
  const did = [];
  const editor = { regions: () => [], tag: (...said) => did.push(said) };
  const desk = { player: { duration: 12 }, strip: {}, marking: {}, keep: {}, editor, changed() {}, inQuestion: { id: "a" }, missing: false };
  const act = verbs(desk);
  act.tag2();
  desk.inQuestion = { id: "a", tag: "drums" };
  act.tag2();
  desk.inQuestion = undefined;
  act.tag1();
  assert.deepEqual(did, [["a", "drums"], ["a", ""]]);
  act.opposite();
  assert.equal(desk.missing, true);
});

test("a mark of what is missing has the other label, and a tag is an item of its own", () => {
  assert.deepEqual(asResult({ start: 1, end: 2, missing: true }, 12).value.labels, ["Missing"]);
  const tag = asTag(asResult({ id: "a", start: 1, end: 2 }, 12), "drums");
  assert.deepEqual([tag.id, tag.from_name, tag.type, tag.value], ["a", RULES.tag_name, "choices", { start: 1, end: 2, channel: 0, choices: ["drums"] }]);
});

test("work that says something else of the same times is other work", () => {
  const mark = asResult({ id: "a", start: 1, end: 2 }, 12);
  const missing = asResult({ id: "a", start: 1, end: 2, missing: true }, 12);
  assert.equal(new Set([shapeOf([mark]), shapeOf([missing]), shapeOf([mark, asTag(mark, "drums")])]).size, 3);
  assert.equal(shapeOf([mark]), "[[1,2]]", "as it was kept before there were tags");
});
