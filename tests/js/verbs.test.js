import { RULES, page } from "./page.js";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { ACTIONS } from "../../annotation/static/annotation/shared/keymap.js";
import { allowedZoom } from "../../annotation/static/annotation/shared/zoom.js";
import { verbs } from "../../annotation/static/annotation/shared/verbs.js";

let [desk, act, did] = [];

beforeEach(() => {
  page.reset();
  did = [];
  const note = (name) => (...values) => did.push([name, ...values]);
  const player = { duration: 12, time: 5, rate: 1, volume: 1, playing: false, loop: null, stem: "vocals", at: () => 5, listen: (stem) => (player.stem = stem) };
  for (const name of ["toggle", "seek", "play", "playRange"]) player[name] = note(name);
  const editor = { zoom: 1, marks: [{ id: "a", start: 1, end: 2 }, { id: "b", start: 6, end: 8 }], picked: null };
  editor.regions = () => editor.marks.map((mark) => ({ ...mark, selected: mark.id === editor.picked }));
  editor.select = (id) => (editor.picked = id);
  for (const name of ["add", "change", "remove", "undo", "redo", "zoomTo"]) editor[name] = note(name);
  const heard = { missing: () => [[3, 4], [8, 12]] };
  const [marking, keep] = [{ press: note("press"), drop: note("drop") }, { keepChoice: note("keep") }];
  desk = { player, editor, heard, strip: { selection: null }, marking, keep, cancel: () => false, changed: note("changed"), mark: (start, end) => editor.add(start, Math.min(end, 12)) };
  act = verbs(desk);
});

test("there is a verb for every key but those that a page has of its own", () => {
  const own = ["nothing", "submit", "skip", "earlier", "examples", "note", "help"];
  assert.deepEqual(ACTIONS.map(([name]) => name).filter((name) => !own.includes(name) && !act[name]), []);
});

test("the speeds are the server's, and there is none beyond the last", () => {
  for (let n = 0; n < 9; n += 1) act.faster();
  assert.deepEqual([desk.player.rate, document.getElementById("speed").value], [RULES.speeds.at(-1), String(RULES.speeds.at(-1))]);
  for (let n = 0; n < 9; n += 1) act.slower();
  assert.equal(desk.player.rate, RULES.speeds[0]);
});

test("a loop goes round in the selection, else the selected mark, else the clip, and ends when asked again", () => {
  act.loop();
  assert.deepEqual(desk.player.loop, { start: 0, end: 12 });
  act.loop();
  assert.equal(desk.player.loop, null);
  act.nextMark();
  act.loop();
  assert.deepEqual(desk.player.loop, { start: 1, end: 2 });
  act.loop();
  desk.strip.selection = { start: 3, end: 4 };
  act.loop();
  assert.deepEqual(desk.player.loop, { start: 3, end: 4 });
  act.loop();
  desk.strip.selection = { start: 3, end: 3.01 };
  act.loop();
  assert.equal(desk.player.loop, null, "too short to go round in");
  assert.equal(desk.strip.selection.looped, true, "what was selected to be heard is no mark half made");
});

test("the volume goes up and down in tenths, no further than it goes, and is remembered", () => {
  act.louder();
  assert.equal(desk.player.volume, 1.1, "the player itself says how far it goes");
  desk.player.volume = 0.5;
  act.quieter();
  assert.deepEqual([desk.player.volume, did.at(-1), document.getElementById("volume").value], [0.4, ["keep", "volume", 0.4], "0.4"]);
  act.mute();
  assert.equal(desk.player.muted, true);
});

test("Escape gives up what is dragged before the mark that is begun", () => {
  desk.cancel = () => true;
  act.cancel();
  assert.deepEqual(did, []);
  desk.cancel = () => false;
  act.cancel();
  assert.deepEqual(did, [["drop"]]);
});

test("marks are gone through in a ring", () => {
  const picked = (name) => [act[name](), desk.editor.picked][1];
  assert.deepEqual([picked("nextMark"), picked("nextMark"), picked("nextMark"), picked("lastMark")], ["a", "b", "a", "b"]);
  desk.editor.picked = null;
  assert.equal(picked("lastMark"), "b", "from the end");
  desk.editor.marks = [];
  assert.doesNotThrow(() => act.nextMark());
});

test("an edge is set to what was heard, but not past the other", () => {
  act.setStart({ timeStamp: 1 });
  assert.deepEqual(did, [], "nothing is selected");
  desk.editor.picked = "b";
  act.setStart({ timeStamp: 1 });
  act.setEnd({ timeStamp: 1 });
  assert.deepEqual(did, [["change", "b", 5, 8]], "an end at 5 s would lie before the start at 6 s");
});

test("what is missing is played with a little of what is around it", () => {
  act.missing();
  assert.deepEqual(did.at(-1), ["playRange", 2.7, 4.3]);
});

test("a selection becomes a mark no longer than the clip, once", () => {
  desk.strip.selection = { start: 11, end: 13 };
  act.markSelection();
  act.markSelection();
  assert.deepEqual(did, [["add", 11, 12]]);
});

test("what is listened to is remembered only where it can be heard", () => {
  act.mix();
  assert.deepEqual(did, [["keep", "listen", "mix"]]);
  desk.player.listen = () => {};
  act.removed();
  assert.equal(did.length, 1);
});

test("without an editor no verb fails", () => {
  desk.editor = null;
  for (const name of Object.keys(act)) assert.doesNotThrow(() => act[name]({ timeStamp: 1 }), name);
});

test("one zooms in until a pixel is 2 ms, and out to the whole clip", () => {
  assert.deepEqual([allowedZoom(0.2, 12, 1000), allowedZoom(3, 12, 1000), allowedZoom(99, 12, 1000)], [1, 3, 6]);
  assert.equal(allowedZoom(3, 1, 1000), 1, "a clip that is wide enough as it is");
});
