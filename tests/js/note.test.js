import { page, server, settle } from "./page.js";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { Note } from "../../annotation/static/annotation/annotate/note.js";
import { Keep } from "../../annotation/static/annotation/shared/keep.js";

let [note, keep, task] = [];
const field = (id) => document.getElementById(id);

/** Type a note on the clip in hand. */
function write(text) {
  note.open();
  field("note-text").value = text;
  field("note-text").dispatchEvent(new Event("input"));
}

function press(key, more = {}) {
  const event = Object.assign(new Event("keydown", { cancelable: true }), { key, ctrlKey: false, metaKey: false, ...more });
  field("note-text").dispatchEvent(event);
  return event.defaultPrevented;
}

async function rest() {
  for (let n = 0; n < 6; n += 1) await settle();
}

beforeEach(() => {
  page.reset();
  [keep, task] = [new Keep("7"), 3];
  note = new Note(keep, () => task);
});

test("Ctrl+Enter sends the note of the clip in hand, once, and nothing of it is left here", async () => {
  const requests = server([201, { note: 1 }]);
  write("Is this a guitar?");
  assert.equal(press("Enter"), false, "Enter alone begins a line");
  assert.equal(press("Enter", { ctrlKey: true }), true);
  press("Enter", { ctrlKey: true }); // held
  await rest();
  assert.deepEqual(requests.map(({ method, url, body }) => [method, url, body.text]), [["POST", "/below/api/tasks/3/notes/", "Is this a guitar?"]]);
  assert.match(requests[0].body.client_key, /^[0-9a-f-]{36}$/);
  assert.deepEqual([field("note").open, page.said("notice-text").startsWith("Your note is sent.")], [false, true]);
  note.open();
  assert.equal(field("note-text").value, "");
});

test("without a network it says so and keeps the text with its clip, under the same key", async () => {
  const requests = server(new TypeError("no network"));
  write("Is this a guitar?");
  await note.send();
  assert.match(page.said("note-said"), /^It cannot be sent now: .* kept in this browser/);
  assert.equal(field("note").open, true);
  field("note").close();
  task = 4;
  note.open();
  assert.equal(field("note-text").value, "", "another clip has no note yet");
  task = 3;
  note = new Note(new Keep("7"), () => task); // the page was loaded again
  note.open();
  assert.deepEqual([field("note-text").value, page.said("note-said")], ["Is this a guitar?", "You have not sent this yet."]);
  server([201, { note: 1 }]);
  const [first] = requests;
  const again = server([201, { note: 1 }]);
  await note.send();
  assert.deepEqual(again[0].body, first.body);
});

test("a refusal is said in its own words, and the text stays", async () => {
  server([403, { detail: "Only who was given this clip may write a note on it." }]);
  write("Hello");
  await note.send();
  assert.match(page.said("note-said"), /^It was refused: Only who was given/);
  assert.equal(keep.choice("notes")[3].text, "Hello");
});

test("without a clip in hand, and without words, nothing happens", async () => {
  const requests = server([201, { note: 1 }]);
  task = null;
  note.open();
  assert.equal(field("note").open, false);
  task = 3;
  write("   ");
  await note.send();
  assert.deepEqual(requests, []);
});
