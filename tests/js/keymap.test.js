import "./page.js";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { ACTIONS, Keymap, PRESETS, nameOf } from "../../annotation/static/annotation/shared/keymap.js";

const press = (key, code = "", held = {}) => nameOf({ key, code, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, ...held });

test("in each preset a key does one thing, and everything has a key", () => {
  for (const preset of Object.keys(PRESETS)) {
    const keymap = new Keymap({ preset }, () => {});
    const keys = ACTIONS.flatMap(([action]) => keymap.keys(action));
    assert.deepEqual(keys.filter((key, n) => keys.indexOf(key) !== n), [], preset);
    for (const [action] of ACTIONS) {
      assert.ok(keymap.keys(action).length, `${preset}: ${action}`);
      for (const key of keymap.keys(action)) assert.equal(keymap.action(key), action, `${preset}: ${key}`);
    }
  }
});

test("a key has one name on whatever keyboard it lies", () => {
  assert.equal(press("z", "KeyZ"), "Z");
  assert.equal(press("я", "KeyZ"), "Z", "a Russian layout: by its place");
  assert.equal(press("y", "KeyZ"), "Y", "a German layout: by its letter");
  assert.equal(press("Ω", "KeyZ", { altKey: true }), "Alt+Z", "a Mac with Option");
  assert.equal(press("&", "Digit1"), "1", "a French layout");
  assert.equal(press("7", "Numpad7"), "7");
  assert.equal(press("?", "Slash", { shiftKey: true }), "?", "a sign is named without Shift");
  assert.equal(press("=", "Equal"), "+");
  assert.equal(press("Z", "KeyZ", { ctrlKey: true, shiftKey: true }), "Ctrl+Shift+Z");
  assert.equal(press("z", "KeyZ", { metaKey: true }), "Ctrl+Z", "Command counts as Ctrl");
  assert.equal(press(" ", "Space"), "Space");
  assert.equal(press("ArrowLeft", "ArrowLeft", { shiftKey: true }), "Shift+Left");
  for (const key of ["Shift", "Control", "Alt", "Meta", "AltGraph", "Dead"]) assert.equal(press(key), null, key);
});

test("who gives a key to something takes it from what had it", () => {
  let kept;
  const keymap = new Keymap(undefined, (choice) => (kept = choice));
  assert.equal(keymap.change("loop", "M"), "mark");
  assert.deepEqual([keymap.action("M"), keymap.action("L"), keymap.keys("mark")], ["loop", undefined, []]);
  assert.equal(keymap.change("loop", "M"), undefined, "from itself it takes nothing");
  assert.equal(keymap.change("undo", "Delete"), "delete");
  assert.deepEqual(keymap.keys("delete"), ["Backspace"], "its other key stays");
  const again = new Keymap(kept, () => {});
  assert.deepEqual([again.keys("loop"), again.keys("mark"), again.keys("delete")], [["M"], [], ["Backspace"]], "as it was kept");
  again.use("labelstudio");
  assert.deepEqual([again.keys("mark"), again.keys("vocals")], [["M"], ["Alt+1"]], "a preset begins anew");
});

test("what this browser kept of a preset that is no more is left out", () => {
  assert.equal(new Keymap({ preset: "emacs" }, () => {}).preset, "unbleed");
});

test("the names of keys are the browser's, in every language", async () => {
  const source = await readFile(new URL("../../annotation/static/annotation/shared/keymap.js", import.meta.url), "utf8");
  assert.match(source, /"Backspace", "Delete"\]/);
  assert.doesNotMatch(source, /gettext\("[^"]*"\)\]/);
});
