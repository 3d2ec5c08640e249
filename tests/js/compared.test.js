import { page } from "./page.js";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { Compared } from "../../annotation/static/annotation/listening/compared.js";

beforeEach(() => page.reset());

const three = () => [1, 2, 3].map((id) => ({ id, length: 10, answered: id === 1 }));

/** Both heard for so many seconds. */
function hear(compared, a = 3, b = 3) {
  compared.heard.add("a", 0, a);
  compared.heard.add("b", 1, 1 + b);
}

test("it begins where the listener left off, and an answer goes on to the next", () => {
  const compared = new Compared(three(), false, 2);
  assert.equal(compared.clip.id, 2);
  hear(compared);
  assert.deepEqual(compared.say("b"), { better: "b", leaks_less: "", heard: { a: 3, b: 3, mix: 0 } });
  compared.kept();
  assert.deepEqual([compared.clip.id, compared.left], [3, 1]);
  hear(compared);
  compared.kept();
  assert.equal(compared.clip, undefined);
});

test("nothing is said before both were heard for some seconds, of a short clip half of it", () => {
  const compared = new Compared([{ id: 5, length: 3, answered: false }], false, 2);
  hear(compared, 3, 1.4);
  assert.equal(compared.say("a"), null);
  compared.heard.add("b", 0, 1.5);
  assert.equal(compared.isHeard, true);
});

test("the same second heard twice is one", () => {
  const compared = new Compared(three(), false, 2);
  for (let n = 0; n < 5; n += 1) compared.heard.add("a", 0, 1);
  assert.equal(compared.seconds("a"), 1);
});

test("with two questions the second answer sends both, and back asks the first again", () => {
  const compared = new Compared(three(), true, 2);
  hear(compared);
  assert.equal(compared.say("a"), null);
  assert.equal(compared.back(), false);
  assert.equal(compared.better, null);
  compared.say("a");
  assert.deepEqual(compared.say("none"), { better: "a", leaks_less: "none", heard: { a: 3, b: 3, mix: 0 } });
});

test("back leads to the clip before, to be heard and answered anew, and then on to what is left", () => {
  const compared = new Compared(three(), false, 2);
  assert.equal(compared.back(), true);
  assert.deepEqual([compared.clip.id, compared.isHeard], [1, false]);
  compared.kept();
  assert.equal(compared.clip.id, 2);
  compared.kept();
  assert.equal(compared.following, undefined);
});
