import { RULES, random } from "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { Decision, saidBy, shapeOf } from "../../annotation/static/annotation/review/decision.js";
import { inClip } from "../../annotation/static/annotation/review/lanes.js";
import { rules } from "../../annotation/static/annotation/shared/rules.js";

const cell = { clientWidth: 1000, getBoundingClientRect: () => ({ left: 40, width: 1000 }) };

function decision(duration = 12) {
  const told = [];
  const made = new Decision(cell, () => duration, () => told.push(made.shape()));
  made.load([[1, 2], [5, 6]]);
  return { made, told };
}

const times = (made) => made.regions().map(({ start, end }) => [start, end]);

test("whatever is done can be undone step by step, and done again", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const chance = random(seed);
    const { made } = decision();
    const shapes = [made.shape()];
    for (let step = 0; step < 8; step += 1) {
      const [regions, start] = [made.regions(), Math.round(chance() * 100) / 10];
      const { id } = regions[Math.floor(chance() * regions.length)] ?? {};
      const kind = Math.floor(chance() * 4);
      if (kind === 0 || !id) made.add(start, start + 1);
      else if (kind === 1) made.change(id, start, start + 0.5);
      else if (kind === 2) made.remove(id);
      else made.replace([[start, start + 2]]);
      shapes.push(made.shape());
      const starts = times(made).map(([one]) => one);
      assert.deepEqual(starts, [...starts].sort((a, b) => a - b), `seed ${seed}: in order of time`);
    }
    for (let n = shapes.length - 1; n > 0; n -= 1) {
      assert.ok(made.canUndo);
      made.undo();
      assert.equal(made.shape(), shapes[n - 1], `seed ${seed}`);
    }
    assert.equal(made.canUndo, false);
    for (let n = 1; n < shapes.length; n += 1) made.redo();
    assert.deepEqual([made.shape(), made.canRedo], [shapes.at(-1), false], `seed ${seed}`);
  }
});

test("regions that overlap become one, and that is one step", () => {
  const { made } = decision();
  made.add(1.5, 5);
  assert.deepEqual(times(made), [[1, 6]]);
  made.undo();
  assert.deepEqual(times(made), [[1, 2], [5, 6]]);
  const [first] = made.regions();
  made.change(first.id, 4, 5.5);
  assert.deepEqual([times(made), made.regions()[0].id], [[[4, 6]], first.id]);
});

test("a new step forgets what could be done again, a new clip both", () => {
  const { made } = decision();
  made.add(8, 9);
  made.undo();
  made.add(3, 4);
  assert.equal(made.canRedo, false);
  made.load([[0, 1]]);
  assert.deepEqual([made.canUndo, times(made)], [false, [[0, 1]]]);
});

test("locked, nothing changes it", () => {
  const { made } = decision();
  made.add(8, 9);
  made.locked = true;
  const before = made.shape();
  made.add(9, 10);
  made.undo();
  made.remove(made.regions()[0].id);
  assert.deepEqual([made.shape(), made.canUndo], [before, false]);
});

test("what is added is selected, and every change is told", () => {
  const { made, told } = decision();
  made.add(3, 4);
  assert.deepEqual(made.regions().map(({ selected }) => selected), [false, true, false]);
  made.select(null);
  assert.ok(made.regions().every(({ selected }) => !selected));
  assert.ok(told.length >= 4);
});

test("its result is Label Studio's JSON, named as the server's rules say", () => {
  const [first] = decision().made.result();
  assert.deepEqual(first, {
    ...{ id: first.id, from_name: RULES.from_name, to_name: RULES.to_name, type: "labels", origin: "manual", original_length: 12 },
    value: { start: 1, end: 2, channel: 0, labels: [RULES.label] },
  });
});

test("the view stays inside the clip, however one zooms and scrolls", () => {
  const { made } = decision(12);
  for (const [zoom, around] of [[0.1, 6], [4, 0], [4, 12], [4, 6], [1e9, 3]]) {
    made.zoomTo(zoom, around);
    const { start, length, left, width } = made.view();
    assert.ok(start >= 0 && start + length <= 12 + 1e-9, `${zoom} around ${around}: from ${start}, ${length} s`);
    assert.ok(length / 1000 >= 0.002 - 1e-12, "a pixel is no less than 2 ms");
    assert.deepEqual([left, width], [40, 1000]);
  }
  made.zoomTo(4, 6);
  made.follow(11);
  const { start, length } = made.view();
  assert.ok(11 >= start && 11 <= start + length);
  assert.equal(new Decision(cell, () => 0, () => {}).view(), null);
});

test("equal texts are equal decisions, to the thousandth of a second", () => {
  assert.equal(shapeOf([[1, 2]]), shapeOf([[1.0000004, 1.9999996]]));
  assert.notEqual(shapeOf([[1, 2]]), shapeOf([[1.001, 2]]));
  assert.equal(shapeOf(saidBy({ regions: [[1, 2, 0.9]], missing: [] })), shapeOf([[1, 2]]), "how probable it was is no matter");
});

test("what is missing is decided beside what is wrong: the two never become one, and each is told apart", () => {
  rules.missing_label = "Missing vocals";
  try {
    const { made } = decision();
    made.load(saidBy({ regions: [[1, 2, 0.9]], missing: [[4, 6, 0.8]] }));
    const begun = made.shape();
    assert.equal(begun, shapeOf([[4, 6, true], [1, 2]]), "in whatever order");
    assert.notEqual(begun, shapeOf([[4, 6], [1, 2]]));
    made.add(5, 7, true);
    made.add(1.5, 5);
    assert.deepEqual(made.regions().map(({ start, end, missing = false }) => [start, end, missing]), [[1, 5, false], [4, 7, true]]);
    assert.deepEqual(made.result().map(({ value }) => value.labels[0]), [rules.label, "Missing vocals"]);
    made.undo();
    made.undo();
    assert.equal(made.shape(), begun);
    rules.missing_label = "";
    assert.deepEqual(saidBy({ regions: [[1, 2]], missing: [[4, 6]] }), [[1, 2]], "where it is not asked for any more, it is left alone");
  } finally {
    rules.missing_label = "";
  }
});

test("the server speaks of the track's seconds, the page of the clip's", () => {
  const given = {
    task: { start: 10, end: 22 },
    lanes: [{ name: "Person 1", marks: [[12, 14]], tags: ["drums"], missing: [[15, 16]], unheard: [[21, 22.04]], late: false }],
    crowd: { regions: [[12, 13.5, 0.9]], tags: [""], missing: [[15, 16, 0.7]], certainty: 0.8, posterior: [], frame: 0.05 },
    decision: null,
    history: [{ when: "", who: "", words: "", note: "", before: null, after: [[10, 11]] }],
  };
  const shown = inClip(given);
  assert.equal(shown.duration, 12);
  assert.deepEqual([shown.lanes[0].marks, shown.lanes[0].unheard], [[[2, 4]], [[11, 12]]], "an end past the clip is cut to it");
  assert.deepEqual([shown.lanes[0].missing, shown.crowd.missing], [[[5, 6]], [[5, 6, 0.7]]]);
  assert.deepEqual([shown.crowd.regions, shown.decision], [[[2, 3.5, 0.9]], null]);
  assert.deepEqual([shown.history[0].before, shown.history[0].after], [null, [[0, 1]]]);
});
