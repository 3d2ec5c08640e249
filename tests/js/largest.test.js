import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = new EventTarget();
globalThis.HTMLInputElement = class extends EventTarget {
  dataset = { largest: "100000000" };
  said = "";
  setCustomValidity(said) { this.said = said; }
  reportValidity() {}
};
await import("../../platform/hub/static/hub/largest.js");

function chosen(...sizes) {
  const input = new globalThis.HTMLInputElement();
  input.files = sizes.map((size) => ({ size }));
  const change = new Event("change");
  Object.defineProperty(change, "target", { value: input });
  document.dispatchEvent(change);
  return input.said;
}

test("files that are too large together are refused with what is allowed", () => {
  assert.equal(chosen(60e6, 39e6), "");
  assert.equal(chosen(60e6, 60e6), "These files have 120 MB together; at most 100 MB are taken at once. Bring them in parts.");
});
