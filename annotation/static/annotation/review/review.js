// The review page: one contested clip, everybody's answers, and the decision. This file ties together what the others do.
import { AddForm } from "../shared/add_form.js";
import { Refused, SignedOut, Unreachable, call } from "../shared/api.js";
import { Clips } from "../shared/clips.js";
import { Decision, shapeOf } from "./decision.js";
import { HalfMade } from "../shared/half_made.js";
import { Heard } from "../shared/heard.js";
import { Help } from "../shared/help.js";
import { Keep } from "../shared/keep.js";
import { ACTIONS, Keymap } from "../shared/keymap.js";
import { listenForKeys, onButton } from "../shared/keys.js";
import { askBeforeLeaving } from "../shared/leaving.js";
import { Lanes, inClip, showAgreement, showPast } from "./lanes.js";
import { Marking, REACTION } from "../shared/marking.js";
import { $, clock, hideNotice, notice, saved, say, signedOut } from "../shared/messages.js";
import { Player, SPEEDS, STEMS } from "../shared/player.js";
import { RegionTable } from "../shared/regions.js";
import { ReviewLook } from "./review_look.js";
import { root } from "../shared/site.js";
import { Strip } from "../shared/strip.js";
import { verbs } from "../shared/verbs.js";

const WATCH = 100; // ms
const SETTLE = 300; // ms: several messages about one thing are one look
const ELSEWHERE = ["draw", "nothing", "submit", "skip", "earlier", "help"]; // of the annotate page only
const KEYS = [
  ...ACTIONS.filter(([name]) => !ELSEWHERE.includes(name)),
  ["takeOver", "put a person's answer into the decision: the first, and again for the next", ["T"]],
  ["reset", "put the consensus back into the decision", ["C"]],
  ["submit", "accept the decision as it stands", ["Ctrl+Enter"]],
  ["sendBack", "send the clip back to more people, with a reason", ["S"]],
  ["next", "the next clip, nothing decided on this one", ["N"]],
  ["help", "this list", ["?"]],
];

const page = $("review");
const url = `${root}api/tasks/${page.dataset.task}/review/`;
const choices = new Keep(page.dataset.membership);
const edits = new Keep(`${page.dataset.membership}:review`); // apart from what the same person marks as an annotator
const context = new AudioContext();
const heard = new Heard();
const player = new Player(context, { changed: () => look.offer(), sounded: (stem, start, end) => heard.add(stem, start, end) });

let shown = null; // the review as the server gave it, in clip seconds
let taken = null; // {number, shape} of the answer that was taken over last
let keptShape = ""; // of what this browser keeps of it
let looking = null;

const decision = new Decision($("strip-cell"), () => player.duration || shown?.duration || 0, changed);
const lanes = new Lanes($("lanes"), { play: (start, end) => player.playRange(start, end), take });
const marking = new Marking(player, {
  add: (start, end) => decision.add(start, Math.min(end, player.duration)),
  reaction: () => choices.choice("reaction") ?? REACTION,
  changed: () => look.marking(),
});
const table = new RegionTable($("regions-rows"), $("regions-count"), $("region-error"), {
  play: (region) => player.playRange(region.start, region.end),
  change: (region, start, end) => decision.change(region.id, start, end),
  remove: (region) => decision.remove(region.id),
  select: (region) => decision.select(region.id),
  duration: () => player.duration,
});
const form = new AddForm($("region-add"), table, $("region-error"), (start, end) => decision.add(start, end));
const edges = {
  change: (region, start, end) => decision.change(region.id, start, end),
  zoom: (factor, around) => decision.zoomTo(decision.zoom * factor, around),
  scroll: (start) => decision.scrollTo(start),
  regions: () => (mayEdit() ? decision.regions() : []),
};
const strip = new Strip($("strip"), { ...edges, seek: (time) => player.seek(time), select: () => look.offer() });
const drawing = new Strip($("decision"), { ...edges, seek: hit, select: () => {} });
const desk = {
  ...{ player, strip, marking, heard, keep: choices, editor: decision },
  get shown() { return shown; },
  get edited() { return edited(); },
  get verdict() { return { kind: kind(), number: taken?.number }; },
  get halfMade() { return halfMade; }, // what is begun and not finished: things() says what, settle() finishes it or asks
  changed: () => look.offer(),
};
const halfMade = new HalfMade(desk, form, table, () => {
  strip.letGo();
  drawing.letGo();
  drawn();
});
const keymap = new Keymap(choices.choice("keymap"), (map) => choices.keepChoice("keymap", map), KEYS);
const look = new ReviewLook(page, desk, keymap);
const help = new Help(keymap, {
  context,
  reaction: { get: () => choices.choice("reaction") ?? REACTION, set: (seconds) => choices.keepChoice("reaction", seconds) },
  shown: () => look.keys(),
});

// ---- the decision ----------------------------------------------------------------------------------------------------------

function mayEdit() {
  return look.ready;
}

function edited() {
  return decision.shape() !== shapeOf(shown?.crowd?.regions ?? []);
}

/** What the decision would be: as the consensus says, as one person answered, or the reviewer's own. */
function kind() {
  if (!edited()) return "accept";
  return taken?.shape === decision.shape() ? "take" : "edit";
}

/** The regions as they would be if what is half made were made: [[start, end], …]. */
function inHand() {
  return [...decision.regions(), ...halfMade.kept()].map(({ start, end }) => [start, end]);
}

/** After each change of the decision, or of what is half made of it: show it, and keep it in this browser until it is decided. */
function changed() {
  table.show(decision.regions());
  keepEdit();
  look.offer();
}

function keepEdit() {
  const mine = inHand();
  if (!mayEdit() || shapeOf(mine) === keptShape) return;
  keptShape = shapeOf(mine);
  if (edited() || halfMade.kept().length) {
    const kept = edits.keepDraft(shown.task.id, mine, false);
    saved(kept ? "Your edit is kept in this browser" : "This browser could not keep your edit: do not close this page", !kept);
  } else {
    edits.dropDraft(shown.task.id);
    saved("");
  }
}

// ---- what the server has ---------------------------------------------------------------------------------------------------

/** Show a review; `mine`, [[start, end], …], is an edit that goes on. */
function takeIn(given, mine = null) {
  shown = inClip(given);
  const state = { "in review": "ready", open: "open" }[shown.task.state] ?? "decided";
  showAgreement($("agreement"), shown.agreement);
  say("n-waiting", shown.waiting ? `(${shown.waiting} waiting)` : "");
  say("from", "0 s");
  say("to", `${shown.duration.toFixed(1)} s`);
  lanes.show({ ...shown, may: state === "ready" });
  showPast($("past"), shown.history, shown.duration);
  page.dataset.state = "loading"; // what is loaded now is no change of anybody's
  decision.load((state === "decided" ? shown.decision : shown.crowd)?.regions ?? []);
  look.show(state);
  if (!mine) return;
  marking.drop(); // what was half made is among them
  form.clear();
  if (state === "ready") decision.replace(mine);
}

async function fetched() {
  try {
    return await call("GET", url);
  } catch (error) {
    if (error instanceof SignedOut) signedOut(edits);
    else if (error instanceof Unreachable) notice("warning", `${error.message} Your edit is kept.`, ["Try again", refresh]);
    else if (error instanceof Refused) notice("error", error.message);
    else throw error;
    return null;
  }
}

/** What somebody has in hand that the server does not know, or null. */
function unsent() {
  return mayEdit() && (edited() || halfMade.kept().length) ? inHand() : (edits.draft(page.dataset.task)?.result ?? null);
}

async function refresh() {
  const mine = unsent();
  const given = await fetched();
  if (!given) return;
  hideNotice();
  takeIn(given, mine);
  if (!mine) return;
  if (mayEdit()) saved("Your edit was restored from this browser");
  else notice("warning", `This clip does not wait for a decision any more. Your edit is kept ${edits.wouldLose ? "on this page" : "in this browser"}, and is here again if the decision is undone.`);
}

/** Something happened: see whether it concerns this clip. */
function lookAgain() {
  clearTimeout(looking);
  looking = setTimeout(async () => {
    if (!shown || page.dataset.state === "sending") return;
    const given = await call("GET", url).catch(() => null); // the next message asks again
    if (!given || page.dataset.state === "sending") return;
    say("n-waiting", given.waiting ? `(${given.waiting} waiting)` : "");
    if (given.seen === shown.seen) {
      shown.next = given.next;
      return look.offer();
    }
    if (mayEdit() && (edited() || halfMade.things().length)) return stale("An answer or a decision on this clip came meanwhile.");
    const was = page.dataset.state;
    takeIn(given);
    if (was === "ready" && page.dataset.state === "decided") notice("warning", "Somebody else has just decided this clip. What they decided is shown below.");
  }, SETTLE);
}

function stale(said) {
  notice("warning", `${said} Your edit is kept.`, ["Show what is new", refresh]);
}

// ---- decisions -------------------------------------------------------------------------------------------------------------

async function send(body) {
  const { seen, task } = shown;
  const state = page.dataset.state;
  player.pause();
  hideNotice();
  look.show("sending");
  try {
    const { next } = await call("POST", url, { ...body, seen });
    edits.dropDraft(task.id);
    location.assign(next);
  } catch (error) {
    look.show(state);
    if (!refused(error)) throw error;
  }
}

/** Say why the server did not take a decision; nothing is lost by it. */
function refused(error) {
  if (error instanceof SignedOut) signedOut(edits);
  else if (error instanceof Unreachable) notice("error", `${error.message} Nothing was decided, and nothing is lost.`, ["Try again", act.submit]);
  else if (!(error instanceof Refused)) return false;
  else if (error.status === 409) stale(error.message);
  else {
    const number = Number(String(error.body.region ?? "").match(/\d+/)?.[0]);
    const region = Number.isInteger(number) && error.body.region ? decision.regions()[number] : null;
    if (region) decision.select(region.id);
    notice("error", `The decision was refused: ${error.message} Nothing is lost.`);
  }
  return true;
}

async function submit() {
  if (!(await settled())) return;
  const what = kind();
  if (what === "accept" && !shown.crowd) return notice("warning", "There is no consensus to accept. Draw regions, or send the clip back.");
  const body = { accept: {}, take: { person: taken?.number }, edit: { result: decision.result() } }[what];
  send({ decision: what, ...body });
}

function take(number) {
  const lane = shown.lanes[number - 1];
  if (!mayEdit() || !lane) return;
  decision.replace(lane.marks);
  taken = { number, shape: decision.shape() };
  look.offer();
}

function takeNext() {
  const at = kind() === "take" ? taken.number : 0;
  take((at % Math.max(1, shown.lanes.length)) + 1);
}

/** Whether the decision may be taken: when what was half made of it is finished, or left out. */
async function settled() {
  return mayEdit() && (await halfMade.settle()) && mayEdit();
}

async function next() {
  if (!shown.next || (mayEdit() && !(await settled()))) return;
  location.assign(shown.next);
}

async function sendBack() {
  if (!(await settled())) return;
  $("back-error").textContent = "";
  $("back-dialog").showModal();
  $("back-note").focus();
}

function sentBack(event) {
  event.preventDefault();
  const note = $("back-note").value.trim();
  $("back-error").textContent = note ? "" : "Say why it goes back.";
  $("back-note").setAttribute("aria-invalid", String(!note));
  if (!note) return $("back-note").focus();
  $("back-dialog").close();
  send({ decision: "send back", note, more: Number($("back-more").value) });
}

async function undoDecision() {
  look.show("sending");
  try {
    takeIn(await call("POST", `${url}undo/`, { seen: shown.seen }), edits.draft(shown.task.id)?.result);
    notice("success", "The decision is taken back. The clip waits for a reviewer again.");
  } catch (error) {
    look.show("decided");
    if (!refused(error)) throw error;
  }
}

// ---- sound and regions -----------------------------------------------------------------------------------------------------

/** A click into the decision: hear the region that is there, else go there. */
function hit(time) {
  const region = decision.regions().find(({ start, end }) => time >= start && time <= end);
  if (!region) return player.seek(time);
  decision.select(region.id);
  player.playRange(region.start, region.end);
}

/** A drag over the decision has ended: what it covered becomes a region. */
function drawn() {
  const { selection } = drawing;
  drawing.selection = null;
  if (selection && mayEdit() && selection.end - selection.start >= 0.02) decision.add(selection.start, Math.min(selection.end, player.duration || shown.duration));
}

function watch() {
  player.tell();
  say("clock", `${clock(player.time)} / ${clock(player.duration)}`);
  if (!mayEdit()) return;
  marking.look();
  keepEdit();
}

function frame() {
  requestAnimationFrame(frame);
  if (!shown) return;
  if (player.playing) decision.follow(player.time);
  const { time } = player;
  const drawn = { view: decision.view(), duration: shown.duration, time, marks: decision.regions(), open: marking.parts() };
  strip.draw({ ...drawn, heard: heard.intervals(player.stem) });
  drawing.draw({ ...drawn, heard: [] });
  lanes.draw(drawn.view, time);
}

async function load() {
  try {
    const clip = await new Clips(context).get({ task: shown.task, duration: shown.duration });
    await clip.whole; // people's answers were to all three
    player.load(clip);
    $("loading").textContent = "";
    page.dataset.playable = shown.task.id;
    look.offer();
    strip.show(await clip.picture);
  } catch (error) {
    $("loading").textContent = "no sound";
    notice("error", `${error.message} The answers can be read, but not heard.`, ["Try again", load]);
  }
}

// ---- wiring ----------------------------------------------------------------------------------------------------------------

const all = verbs(desk);
const editing = ["mark", "markSelection", "setStart", "setEnd", "delete"];
const act = {
  ...all,
  ...Object.fromEntries(editing.map((name) => [name, (event) => mayEdit() && all[name](event)])),
  submit,
  sendBack,
  takeOver: () => mayEdit() && takeNext(),
  reset: () => mayEdit() && edited() && decision.replace(shown.crowd?.regions ?? []),
  next,
  help: () => help.open(),
};
const hold = { press: (moment) => mayEdit() && marking.press(moment), release: (moment) => marking.release(moment) };
const lost = (moment) => marking.lose(moment);
listenForKeys({ keymap, act, editorFrame: document.createElement("div"), ready: () => Boolean(shown), released: hold.release, lost });

for (const speed of SPEEDS) $("speed").append(new Option(`${speed} ×`, String(speed), speed === 1, speed === 1));
$("speed").addEventListener("change", () => act.speed(Number($("speed").value)));
$("equal").addEventListener("change", () => {
  player.equalLoudness = $("equal").checked;
  choices.keepChoice("equal", $("equal").checked);
});
$("listen").addEventListener("change", () => act[document.querySelector("[name=listen]:checked").value]());
onButton($("mark"), hold);
for (const [id, action] of [
  ...["play", "loop", "undo", "redo", "submit", "reset", "next"].map((name) => [name, name]),
  ...[["mark-selection", "markSelection"], ["zoom-in", "zoomIn"], ["zoom-out", "zoomOut"], ["zoom-all", "zoomAll"], ["send-back", "sendBack"]],
]) $(id).addEventListener("click", () => act[action]());
$("decision").addEventListener("pointerup", drawn);
$("back-form").addEventListener("submit", sentBack);
$("back-cancel").addEventListener("click", () => $("back-dialog").close());
$("undo-decision").addEventListener("click", undoDecision);
for (const what of ["task", "review", "submission"]) document.addEventListener(`unbleed:${what}`, lookAgain);
window.addEventListener("pagehide", () => {
  if (!mayEdit()) return;
  table.commit();
  keepEdit();
});
setInterval(watch, WATCH);
askBeforeLeaving(() => edits.wouldLose || (mayEdit() && halfMade.loses));
requestAnimationFrame(frame);
window.unbleed = desk; // for the browser's console, and for tests that ask what is going on

act[STEMS.includes(choices.choice("listen")) ? choices.choice("listen") : "vocals"]();
$("equal").checked = player.equalLoudness = choices.choice("equal") ?? true;
look.marking();
await refresh();
if (shown) await load();
