import { page } from "./page.js";
import assert from "node:assert/strict";
import test from "node:test";

page.reset();
document.documentElement = { lang: "de" };
document.getElementById("script-texts").textContent = JSON.stringify({ "%(n)s mark": ["%(n)s Markierung", "%(n)s Markierungen"], "no marks": ["keine"], Space: ["Leertaste"], Ctrl: ["Strg"], Left: ["Links"], "%(a)s of %(b)s": ["von %(b)s %(a)s"] });
const { gettext, ngettext, written } = await import("../../annotation/static/annotation/shared/words.js");
const { shownKey } = await import("../../annotation/static/annotation/shared/keymap.js");

test("keys are called as they are on the person's keyboard", () => {
  assert.deepEqual(["Space", "Ctrl+Left", "Ctrl+S", "+", "Alt+,", ""].map(shownKey), ["Leertaste", "Strg+Links", "Strg+S", "+", "Alt+,", ""]);
});

test("scripts speak the page's language, and English where it has no words", () => {
  assert.equal(gettext("no marks"), "keine");
  assert.equal(gettext("%(a)s of %(b)s", { a: 1, b: 2 }), "von 2 1");
  assert.deepEqual([0, 1, 2].map((n) => ngettext("%(n)s mark", "%(n)s marks", n)), ["0 Markierungen", "1 Markierung", "2 Markierungen"]);
  assert.deepEqual([gettext("toString"), gettext("Only %(here)s", { here: "$&" }), ngettext("%(n)s day", "%(n)s days", 2)], ["toString", "Only $&", "2 days"]);
  assert.equal(written(1234.5, 2), "1234,50");
});
