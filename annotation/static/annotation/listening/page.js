// @ts-check
// A listening test: two sounds and the mix on one clock, one clip after the other. Which sound is which, only the server knows.
import { Refused, SignedOut, call } from "../shared/api.js";
import { $ } from "../shared/elements.js";
import { askBeforeLeaving, go } from "../shared/leaving.js";
import { announce, clock, hideNotice, notice, saved, say, signedOut } from "../shared/messages.js";
import { Player } from "../shared/player.js";
import { root } from "../shared/site.js";
import { gettext, written } from "../shared/words.js";
import { Compared } from "./compared.js";

/** @typedef {import("./compared.js").Side} Side */

const SIDES = ["a", "b", "mix"];
const WATCH = 100; // ms
const page = $("listening");
const { clips, asks_leak, enough } = JSON.parse($("listening-desk").textContent ?? "");
const compared = new Compared(clips, asks_leak, enough);
const context = new AudioContext({ latencyHint: "interactive" });
const player = new Player(context, { changed: show, sounded: (side, start, end) => compared.heard.add(side, start, end) });
player.equalLoudness = false; // the server has brought them to one level
let begun = false; // browsers let nothing sound before the first touch
let sending = false;

// ---- sounds ---------------------------------------------------------------------------------------------------------------------

/** @type {Map<number, Promise<Record<string, AudioBuffer>>>} */
const sounds = new Map();

/** The three sounds of a clip, fetched once. @param {number} id */
function fetched(id) {
  const known = sounds.get(id);
  if (known) return known;
  const found = Promise.all(SIDES.map((side) => fetchOne(`${root}media/listening/${id}/${side}.ogg`))).then((all) => Object.fromEntries(all.map((one, n) => [SIDES[n], one])));
  sounds.set(id, found);
  found.catch(() => sounds.delete(id)); // tried again with the next press
  return found;
}

/** @param {string} url */
async function fetchOne(url) {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(gettext("The audio of this clip could not be loaded."));
  return context.decodeAudioData(await response.arrayBuffer());
}

// ---- one clip after the other ---------------------------------------------------------------------------------------------------

async function open() {
  const { clip } = compared;
  player.unload();
  player.stem = "a";
  page.dataset.state = clip ? "loading" : "done";
  $("comparing").hidden = !clip;
  $("all-heard").hidden = Boolean(clip);
  if (!clip) return void $("all-heard-title").focus();
  ask();
  try {
    const buffers = await fetched(clip.id);
    if (compared.clip !== clip) return;
    player.load({ duration: clip.length, buffers, levels: {} });
    player.loop = { start: 0, end: clip.length };
    player.listen("a");
    page.dataset.state = "ready";
    hideNotice();
    if (begun) player.play();
    show();
    const next = compared.following;
    if (next) void fetched(next.id).catch(() => {});
  } catch (error) {
    notice("error", error instanceof Error ? error.message : String(error), [gettext("Try again"), () => (hideNotice(), open())]);
  }
}

function ask() {
  const { now, clips: all } = compared;
  say("where", gettext("Clip %(number)s of %(n)s", { number: now + 1, n: all.length }));
  say("question", compared.better === null ? gettext("Which of the two is better?") : gettext("In which of the two does less leak?"));
  const first = compared.better === null;
  say("a-label", first ? gettext("A is better") : gettext("Less in A"));
  say("b-label", first ? gettext("B is better") : gettext("Less in B"));
  saved(gettext("%(done)s answered, %(left)s to go", { done: all.length - compared.left, left: compared.left }));
  $("undo").disabled = now === 0 && compared.better === null;
  announce(`${$("where").textContent}. ${$("question").textContent}`);
  show();
}

/** @param {Side} side */
async function answer(side) {
  if (sending || page.dataset.state !== "ready") return;
  player.tell();
  if (!compared.isHeard) return announce($("heard").textContent ?? "");
  const { clip } = compared;
  const said = compared.say(side);
  if (!said || !clip) return ask();
  sending = true;
  try {
    await call("PUT", `${root}api/listening/${clip.id}/`, said);
    compared.kept();
    hideNotice();
    await open();
  } catch (error) {
    compared.better = null;
    ask();
    if (error instanceof SignedOut) return signedOut({ wouldLose: false });
    if (error instanceof Refused && error.body.go) return go(error.body.go, false);
    notice("error", error instanceof Error ? error.message : String(error));
  } finally {
    sending = false;
  }
}

function back() {
  if (sending) return;
  if (compared.back()) void open();
  else ask();
}

function toggle() {
  if (page.dataset.state !== "ready") return;
  begun = true;
  player.toggle();
}

/** @param {string} side */
function listen(side) {
  if (page.dataset.state === "ready") player.listen(side);
}

// ---- what the page shows --------------------------------------------------------------------------------------------------------

function show() {
  for (const choice of choices()) choice.checked = choice.value === player.stem;
  $("play").setAttribute("aria-pressed", String(player.playing));
  say("play-label", player.playing ? gettext("Pause") : gettext("Play"));
  for (const id of /** @type {const} */ (["better-a", "better-b", "no-difference"])) $(id).disabled = !compared.isHeard;
  const seconds = ["a", "b"].map((side) => written(compared.seconds(side), 1));
  say("heard", compared.isHeard ? "" : gettext("Listen to both first, for some seconds each. Heard so far: A %(a)s s, B %(b)s s.", { a: seconds[0], b: seconds[1] }));
}

function choices() {
  return [.../** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[name=side]"))];
}

setInterval(() => {
  if (!player.playing) return;
  player.tell();
  say("clock", clock(player.time, player.duration));
  show();
}, WATCH);

/** @type {Record<string, () => unknown>} */
const KEYS = {
  " ": toggle, p: toggle, x: () => listen(player.stem === "a" ? "b" : "a"), a: () => listen("a"), b: () => listen("b"), m: () => listen("mix"),
  1: () => answer("a"), 2: () => answer("b"), 3: () => answer("none"), Backspace: back,
}; // prettier-ignore
$("better-a").addEventListener("click", () => answer("a"));
$("better-b").addEventListener("click", () => answer("b"));
$("no-difference").addEventListener("click", () => answer("none"));
$("play").addEventListener("click", toggle);
$("switch").addEventListener("click", () => KEYS.x());
$("undo").addEventListener("click", back);
for (const choice of choices()) choice.addEventListener("change", () => listen(choice.value));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  void act();
});
askBeforeLeaving(() => sending);
void open();
window.unbleed = { compared, player };
