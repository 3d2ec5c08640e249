import "./page.js";
import assert from "node:assert/strict";
import test from "node:test";
import { when } from "../../annotation/static/annotation/shared/when.js";

process.env.TZ = "Asia/Tokyo";

test("a moment is said in UTC, and says so, whatever the zone of the machine", () => {
  assert.equal(when("2026-11-29T08:09:18.5+00:00"), "29 Nov 2026, 08:09 UTC");
  assert.equal(when("2026-01-01T00:30:00+02:00"), "31 Dec 2025, 22:30 UTC");
});
