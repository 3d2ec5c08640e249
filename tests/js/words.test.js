import { page, server } from "./page.js";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { Refused, SignedOut, Unreachable, call } from "../../annotation/static/annotation/shared/api.js";
import { ago, ask, marks } from "../../annotation/static/annotation/shared/ask.js";
import { clock, hideNotice, notice, say, signedOut, stillToHear } from "../../annotation/static/annotation/shared/messages.js";

beforeEach(() => page.reset());

test("times and numbers in words", () => {
  assert.deepEqual([0, 59, 60, 119, 120, 3600, 86399, 86400, 400_000].map(ago), [
    ...["just now", "just now", "1 minute ago", "1 minute ago", "2 minutes ago", "1 hour ago", "23 hours ago", "1 day ago", "4 days ago"],
  ]);
  assert.deepEqual([0, 1, 2].map(marks), ["no marks", "1 mark", "2 marks"]);
  assert.deepEqual([clock(0, 12), clock(9.96, 15.02), clock(75.32, 240)], ["0.0 / 12.0 s", "9.9 / 15.0 s", "75.3 / 240.0 s"]);
  assert.equal(clock(0.7 - 0.4, 1), "0.3 / 1.0 s", "what is a hair below a tenth because of how numbers are kept is that tenth");
  assert.deepEqual([stillToHear([]), stillToHear([[0, 3.04], [9.5, 12]])], ["", "0.0–3.0, 9.5–12.0 s"]);
});

test("a question resolves with the button's value, and Escape means the first", async () => {
  page.whenAsked(() => queueMicrotask(() => document.getElementById("ask-answers").children[1].click()));
  assert.equal(await ask("Title", ["one", "two"], ["keep", "Keep"], ["replace", "Replace"]), "replace");
  assert.deepEqual(document.getElementById("ask-text").children.map(({ textContent }) => textContent), ["one", "two"]);
  page.whenAsked((dialog) => queueMicrotask(() => dialog.close()));
  assert.equal(await ask("Title", "one", ["keep", "Keep"], ["replace", "Replace"]), "keep");
});

test("what the server says decides whether it is worth trying again", async () => {
  const outcome = async (...answers) => {
    server(...answers);
    return call("POST", "/below/api/x/", { a: 1 }).catch((error) => error);
  };
  assert.deepEqual(await outcome([200, { a: 1 }]), { a: 1 });
  assert.equal(await outcome([204]), null);
  for (const status of [400, 404, 409]) assert.ok((await outcome([status, { detail: "No." }])) instanceof Refused, status);
  for (const status of [408, 425, 429, 500, 502, 503]) assert.ok((await outcome([status, { detail: "Later." }])) instanceof Unreachable, status);
  assert.equal((await outcome([503, { detail: "The disk is full." }])).message, "The disk is full.");
  assert.equal((await outcome([503, {}])).status, 503);
  for (const [status, said] of [[401, {}], [403, { error: "SignedOut" }], [403, { detail: "CSRF Failed: token incorrect." }], [403, null]]) {
    assert.ok((await outcome([status, said])) instanceof SignedOut, JSON.stringify(said));
  }
  assert.ok((await outcome([403, { detail: "First this.", go: "/me/" }])) instanceof Refused, "a person who may not is not a stranger");
  assert.ok((await outcome(new TypeError("network"))) instanceof Unreachable);
});

test("the page is touched only where something is new", () => {
  let touched = 0;
  const element = document.getElementById("clock");
  Object.defineProperty(element, "textContent", { get: () => "0:00.0", set: () => { touched += 1; } });
  say("clock", "0:00.0");
  assert.equal(touched, 0);
  say("clock", "0:00.1");
  assert.equal(touched, 1);
});

test("a message of one kind goes without taking another with it", () => {
  notice("error", "Refused.", ["Again", () => {}]);
  hideNotice("warning");
  assert.deepEqual([document.getElementById("notice").hidden, page.said("notice-text"), page.buttons().length], [false, "Refused.", 1]);
  hideNotice();
  assert.equal(document.getElementById("notice").hidden, true);
});

test("who is signed out is told what to do, by how they came and whether anything would be lost", () => {
  signedOut({ wouldLose: false });
  assert.match(page.said("notice-text"), /Your marks are kept in this browser; sign in again, and they are here/);
  signedOut({ wouldLose: true });
  assert.match(page.said("notice-text"), /do not close this page; sign in again in another tab, then go on here/);
  assert.equal(page.buttons().length, 1);
  document.body.dataset.byLink = "";
  signedOut({ wouldLose: false });
  assert.match(page.said("notice-text"), /no password: open that link again, and they are here/);
  assert.equal(page.buttons().length, 0);
});
