// @ts-check
// Quick questions: one segment after the other plays by itself, and is answered with yes, no or cannot tell.
import { Ahead } from "../annotate/ahead.js";
import { Answers, uuid } from "../annotate/answers.js";
import { holdLease } from "../annotate/lease.js";
import { Refused, SignedOut } from "../shared/api.js";
import { $ } from "../shared/elements.js";
import { Heard } from "../shared/heard.js";
import { Keep } from "../shared/keep.js";
import { askBeforeLeaving, go } from "../shared/leaving.js";
import { hideNotice, notice, saved, say, signedOut } from "../shared/messages.js";
import { gettext, ngettext } from "../shared/words.js";
import { Asked } from "./asked.js";
import { QuickClips } from "./clips.js";
import { Sound } from "./sound.js";

/** @typedef {import("./asked.js").Said} Said */
/** @typedef {{ given: Given, asked: Asked, heard: Heard, buffer: AudioBuffer, since: number, revises: number }} Clip */

const page = $("quick");
const stem = page.dataset.stem ?? "";
/** @type {Keep} */
const keep = new Keep(page.dataset.membership);
const answers = new Answers(keep, page.dataset.campaign, waiting, "?question=quick");
const context = new AudioContext({ latencyHint: "interactive" });
const clips = new QuickClips(context, stem);
const ahead = new Ahead(answers, /** @type {any} */ (clips), (n) => (page.dataset.ahead = String(n)));
const sound = new Sound(context);
/** @type {Clip | null} */
let clip = null;
/** @type {Clip | null} the one that was answered before, for undo */
let before = null;
let begun = false; // browsers let nothing sound before the first touch
let moving = false;

/** @param {"loading" | "empty" | "ready" | "stopped" | "other"} state */
function show(state) {
  page.dataset.state = state;
  $("waiting").hidden = state !== "loading";
  $("empty").hidden = state !== "empty";
  $("other-device").hidden = state !== "other";
  $("task").hidden = state !== "ready";
}

/** @param {number} n */
function waiting(n) {
  page.dataset.waiting = String(n);
  saved(n ? ngettext("%(n)s clip waits for the network", "%(n)s clips wait for the network", n) : "");
}

// ---- one clip after the other ----------------------------------------------------------------------------------------------

async function next() {
  show("loading");
  try {
    const given = await answers.next(takeAhead);
    if (given === null) return show("empty");
    if (!given.ahead) hideNotice("warning");
    await open(given);
  } catch (error) {
    stopped(error);
  }
}

/** What was fetched ahead by this page, or, opened without a network, by one before it. @returns {Given | undefined} */
function takeAhead() {
  const here = ahead.take();
  const kept = /** @type {Given[]} */ (keep.choice("quick-ahead") ?? []).filter((one) => one.task.id !== here?.task.id);
  const done = keep.answers().map(([task]) => task);
  const found = here ?? kept.find((one) => !done.includes(one.task.id));
  keep.keepChoice("quick-ahead", kept.filter((one) => one !== found));
  return found && { ...found, ahead: true };
}

/** @param {unknown} error */
function stopped(error) {
  show("stopped");
  if (error instanceof SignedOut) return signedOut(keep);
  if (error instanceof Refused && error.body.go) return go(error.body.go, keep.wouldLose);
  notice("error", error instanceof Error ? error.message : String(error), [gettext("Try again"), () => (hideNotice(), next())]);
}

/** @param {Given} given  @param {Clip | null} again the same clip as it was answered */
async function open(given, again = null) {
  const { buffer } = await clips.get(given);
  const id = given.task.id;
  const segments = given.segments ?? [];
  const said = again ? again.asked.result(stem, given.duration) : (keep.draft(id)?.result ?? null);
  const asked = new Asked(segments, said);
  const heard = new Heard(again ? again.heard.all() : keep.heard(id));
  clip = { given, asked, heard, buffer, since: performance.now(), revises: again ? again.revises + 1 : 0 };
  if (again) asked.said[(asked.now = segments.length - 1)] = null;
  ahead.gone(id);
  const { done, open: left } = given.progress;
  if (!given.ahead) say("progress", gettext("%(done)s answered, %(left)s to go", { done, left }));
  show("ready");
  ask();
  if (!again) void fetchAhead(given);
}

/** @param {Given} given */
async function fetchAhead(given) {
  await ahead.fetch(given.task.id, () => clip?.given !== given);
  if (clip?.given === given) keep.keepChoice("quick-ahead", [given, ...ahead.coming]); // what a page without a network opens with
}

// ---- one question after the other ------------------------------------------------------------------------------------------

/** Put the question before the person, and play its segment. */
function ask() {
  const { asked } = /** @type {Clip} */ (clip);
  const n = asked.segments.length;
  say("where", gettext("Question %(number)s of %(n)s in this clip", { number: asked.now + 1, n }));
  $("segments").replaceChildren(...asked.said.map(dot));
  pressed(asked.said[asked.now]);
  $("play").classList.toggle("begin", !begun);
  say("play-label", begun ? gettext("Hear it again") : gettext("Begin"));
  if (begun) void play();
}

/** @param {Said | null} word  @param {number} i */
function dot(word, i) {
  const made = document.createElement("li");
  made.className = `${(word ?? "").split(" ")[0]}${i === clip?.asked.now ? " now" : ""}`.trim();
  return made;
}

/** @param {Said | null} word */
function pressed(word) {
  for (const [id, mine] of /** @type {[keyof Ids, Said][]} */ ([["yes", "yes"], ["no", "no"], ["cannot-tell", "cannot tell"]])) {
    $(id).setAttribute("aria-pressed", String(word === mine));
  }
}

async function play() {
  const mine = /** @type {Clip} */ (clip);
  const { asked, buffer, heard, given } = mine;
  const number = asked.now;
  begun = true;
  $("play").classList.remove("begin");
  say("play-label", gettext("Hear it again"));
  const whole = await sound.play(buffer, asked.segment, ([start, end]) => {
    heard.add(stem, start, end);
    keep.keepHeard(given.task.id, heard.all());
  });
  if (whole && clip === mine && asked.now === number && asked.said[number]) await goOn();
}

/** An answer while the segment still sounds stands when it has ended: what is said was heard. @param {Said} word */
async function answer(word) {
  if (!clip || moving || page.dataset.state !== "ready") return;
  if (!begun) return void play();
  const { asked, given } = clip;
  asked.answer(word);
  pressed(word);
  keep.keepDraft(given.task.id, asked.result(stem, given.duration), false);
  if (!sound.playing) await goOn();
}

async function goOn() {
  if (!clip || moving) return;
  if (clip.asked.next()) return ask();
  if (!clip.asked.done) return; // cannot be: each question is answered before the next
  moving = true;
  try {
    await send(clip);
  } finally {
    moving = false;
  }
}

/** @param {Clip} done */
async function send(done) {
  const { given, asked, heard, since, revises } = done;
  const body = {
    result: asked.result(stem, given.duration),
    client_key: uuid(),
    lead_time: (performance.now() - since) / 1000,
    heard: heard.all()[stem] ?? [],
    played: heard.all(),
    revises,
  };
  before = done;
  show("loading");
  try {
    const said = await answers.deliver(given.task.id, body, () => ahead.size > 0);
    keep.dropDraft(given.task.id);
    if (said.thanked) notice("success", said.thanked);
  } catch (error) {
    before = null;
    keep.dropDraft(given.task.id);
    if (!(error instanceof Refused)) return stopped(error);
    notice("error", error.message);
  }
  await next();
}

async function undo() {
  if (!clip || moving) return;
  sound.stop();
  if (clip.asked.undo()) {
    keep.keepDraft(clip.given.task.id, clip.asked.result(stem, clip.given.duration), false);
    return ask();
  }
  if (!before) return notice("warning", gettext("There is no earlier answer of this visit to take back."));
  if (answers.unsent) return notice("warning", gettext("Your last clip has not reached the server yet. It can be changed when it has."));
  const last = before;
  before = null;
  await open(last.given, last);
}

async function skip() {
  if (!clip || moving) return;
  sound.stop();
  moving = true;
  try {
    await answers.skip(clip.given.task.id, "cannot decide");
    keep.dropDraft(clip.given.task.id);
    await next();
  } catch (error) {
    stopped(error);
  } finally {
    moving = false;
  }
}

/** The page can be opened without a network from the second time on: a worker keeps it and its clips. Without https there is none. */
async function openWithoutNetwork() {
  if (!("serviceWorker" in navigator) || !page.dataset.worker) return;
  try {
    await navigator.serviceWorker.register(page.dataset.worker);
    const { active } = await navigator.serviceWorker.ready;
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    active?.postMessage({ urls: [location.href, ...loaded] });
    page.dataset.kept = "true";
  } catch {
    // A browser that refuses it still answers questions, and goes on with what was fetched ahead while the page is open.
  }
}

// ---- keys and the thumb ----------------------------------------------------------------------------------------------------

/** @type {Record<string, () => unknown>} */
const KEYS = {
  1: () => answer("yes"), y: () => answer("yes"), 2: () => answer("no"), n: () => answer("no"), 3: () => answer("cannot tell"), c: () => answer("cannot tell"),
  Backspace: undo, z: undo, " ": () => clip && play(),
}; // prettier-ignore
$("yes").addEventListener("click", () => answer("yes"));
$("no").addEventListener("click", () => answer("no"));
$("cannot-tell").addEventListener("click", () => answer("cannot tell"));
$("play").addEventListener("click", () => clip && play());
$("undo").addEventListener("click", undo);
$("skip").addEventListener("click", skip);
$("empty-again").addEventListener("click", next);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || page.dataset.state !== "ready" || $("ask").open) return;
  if (event.target instanceof Element && event.target.closest("#instructions")) return; // its players and links have keys of their own
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  void act();
});
askBeforeLeaving(() => keep.wouldLose);
holdLease(() => (clip && !clip.revises ? clip.given.task : null), keep);
void openWithoutNetwork();
if ("touchOnly" in page.dataset && matchMedia("(hover: hover) and (pointer: fine)").matches) show("other");
else void answers.deliverKept(() => true).then(next, stopped);
window.unbleed = { answers, ahead, keep };
