import { page, server, settle } from "./page.js";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { LOOK, saidOf, wish } from "../../annotation/static/annotation/shared/wish.js";

async function rest() {
  for (let n = 0; n < 8; n += 1) await settle();
}

beforeEach(() => page.reset());

test("a wish is sent, and looked after until it is made", async () => {
  const requests = server([200, { state: "waiting" }], [200, { state: "making" }], new TypeError("no network"), [200, { state: "made", html: "<p>" }]);
  const told = [];
  void wish(3, (said) => told.push(said.state));
  await rest();
  for (let n = 0; n < 3; n += 1) {
    page.pass(LOOK);
    await rest();
  }
  assert.deepEqual(told, ["waiting", "making", "making", "made"], "what cannot be asked is as it was");
  assert.deepEqual(requests.map(({ method, url }) => [method, url]), [["POST", "/below/api/tasks/3/effect/"], ...Array(3).fill(["GET", "/below/api/tasks/3/effect/"])]);
});

test("what was made before comes with its sounds", async () => {
  server([200, { state: "made" }], [200, { state: "made", html: "<p>" }]);
  const told = [];
  await wish(3, (said) => told.push(said.html));
  assert.deepEqual(told, ["<p>"]);
});

test("a refusal is its end, and nobody asks on who does not want to know any more", async () => {
  server([404, { detail: "It cannot be heard." }]);
  const told = [];
  await wish(3, ({ state }) => told.push(saidOf(state)));
  assert.deepEqual(told, ["It could not be made."]);
  const requests = server([200, { state: "waiting" }]);
  void wish(3, () => {}, () => false);
  await rest();
  page.pass(LOOK);
  await rest();
  assert.equal(requests.length, 1);
});
