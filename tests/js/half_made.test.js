import { RULES, page } from "./page.js";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { HalfMade, tellOfUnended, withoutNotes } from "../../annotation/static/annotation/shared/half_made.js";

const mark = (start, end, more = {}) => ({ id: `${start}`, value: { start, end }, ...more });
let [marks, marking, strip, typed, asked, committed] = [];

function halfMade() {
  const editor = { regions: () => marks.map(([start, end]) => ({ start, end })), result: () => marks.map(([start, end]) => mark(start, end)), add: (start, end) => marks.push([start, end]) };
  const form = { get typed() { return typed; }, make() { marks.push([typed.start, typed.end]); typed = null; return true; }, clear() { typed = null; } };
  const desk = { marking, strip, editor, player: { duration: 12, pause() {} }, mark: (start, end) => editor.add(start, Math.min(end, 12)) };
  return new HalfMade(desk, form, { commit: () => committed }, () => asked.push("let go"));
}

/** A mark in the making from here, so far these stretches. */
function open(from, parts, held) {
  const drop = () => (marking.from = null);
  const finish = () => {
    marks.push(...marking.parts());
    drop();
  };
  marking = { from, held, parts: () => (marking.from === null ? [] : parts), finish, drop };
}

/** Answer every question with this button, and remember what was asked. */
function choose(value) {
  page.whenAsked((dialog) => {
    asked.push(document.getElementById("half-said").textContent);
    queueMicrotask(() => dialog.close(value));
  });
}

beforeEach(() => {
  page.reset();
  [marks, strip, typed, asked, committed] = [[], { selection: null }, null, [], true];
  open(null, [], false);
  page.whenAsked(() => assert.fail("nobody is to be asked"));
});

test("where nothing is half made one goes on unasked", async () => {
  const one = halfMade();
  assert.deepEqual([one.things(), one.loses, one.kept(), await one.settle(), asked], [[], false, [], true, ["let go"]]);
});

test("a mark that is held, and times that stand ready, are made without a question", async () => {
  open(2, [[2, 4]], true);
  typed = { start: 6, end: 7, problem: null };
  assert.equal(await halfMade().settle(), true);
  assert.deepEqual(marks, [[2, 4], [6, 7]]);
});

test("what is in doubt is asked about: made, left out, or gone back to", async () => {
  for (const [button, goesOn, made] of [["make", true, [[2, 4]]], ["drop", true, []], ["", false, []]]) {
    [marks, asked] = [[], []];
    open(2, [[2, 4]], false);
    choose(button);
    assert.deepEqual([await halfMade().settle(), marks], [goesOn, made], button);
    assert.deepEqual(asked, ["let go", "You have begun a mark at 2.00 s and not ended it. So far it is 2.00–4.00 s."]);
    assert.equal(marking.from === null, goesOn, "gone back to, it is still there");
  }
});

test("beside the answer that nothing is wrong, typed times are asked about too", async () => {
  typed = { start: 6, end: 7, problem: null };
  choose("drop");
  assert.equal(await halfMade().settle({ contradicts: true }), true);
  assert.deepEqual([marks, typed, asked.at(-1)], [[], null, "You have typed 6.00–7.00 s but not added it."]);
});

test("times that make no mark are asked about, and there is nothing to make of them", async () => {
  typed = { start: 7, end: 6, problem: "A mark ends after its start." };
  choose("");
  const one = halfMade();
  assert.equal(await one.settle(), false);
  assert.equal(document.getElementById("half-make").hidden, true);
  assert.deepEqual([one.loses, one.kept()], [true, []], "no draft keeps them");
});

test("a selection counts unless marks cover it", async () => {
  strip.selection = { start: 2, end: 14 };
  assert.deepEqual(halfMade().things()[0].stretches, [[2, 12]], "no further than the clip");
  marks = [[1, 5], [5.01, 12]];
  assert.deepEqual(halfMade().things(), []);
  marks = [[1, 5], [5.2, 12]];
  assert.equal(halfMade().things().length, 1, "not with a gap between them");
  marks = [];
  choose("make");
  assert.equal(await halfMade().settle(), true);
  assert.deepEqual([marks, strip.selection], [[[2, 12]], null]);
});

test("a selection that was gone round in was to be heard", () => {
  strip.selection = { start: 2, end: 4, looped: true };
  assert.deepEqual(halfMade().things(), []);
});

test("a time in the table that cannot be holds everything up", async () => {
  committed = false;
  assert.equal(await halfMade().settle(), false);
});

test("a draft keeps a mark in the making as a mark with a note, which comes back as a mark like others", () => {
  open(2, [[2, 4]], false);
  typed = { start: 6, end: 7, problem: null };
  marks = [[9, 10]];
  const drafted = halfMade().drafted();
  assert.deepEqual(drafted.map(({ value: { start, end } }) => [start, end]), [[9, 10], [2, 4], [6, 7]]);
  assert.deepEqual(drafted.map(({ meta }) => Boolean(meta)), [false, true, false]);
  assert.deepEqual([drafted[1].from_name, drafted[1].value.labels, drafted[1].original_length], [RULES.from_name, [RULES.label], 12]);
  assert.notEqual(drafted[1].id, drafted[2].id);
  assert.deepEqual(withoutNotes(drafted).map(({ meta }) => meta), [undefined, {}, undefined]);
  assert.equal(withoutNotes(null), null);
  let selected = null;
  tellOfUnended(drafted, { select: (id) => (selected = id) });
  assert.equal(selected, drafted[1].id);
  assert.match(page.said("notice-text"), /kept as 2.00–4.00 s: set where it ends, or delete it/);
});

test("what a draft keeps lies inside the clip and is no shorter than a mark", () => {
  open(12, [[12, 12]], false);
  const [{ start, end }] = halfMade().kept();
  assert.ok(start >= 0 && Math.abs(end - start - RULES.shortest_mark) < 1e-9 && end <= 12 + 1e-9);
});
