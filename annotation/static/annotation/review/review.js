// @ts-check
// The review page: one contested clip, everybody's answers, and the decision. This file ties together what the others do.
import { Refused, SignedOut, Unreachable, call } from "../shared/api.js";
import { Clips } from "../shared/clips.js";
import { Comments } from "./comments.js";
import { saidBy, shapeOf } from "./decision.js";
import { ReviewDesk } from "./desk.js";
import { HandingOn, showReferrals } from "./handing_on.js";
import { $ } from "../shared/elements.js";
import { Keep } from "../shared/keep.js";
import { Lanes, inClip, showAgreement, showPast } from "./lanes.js";
import { askBeforeLeaving } from "../shared/leaving.js";
import { clock, hideNotice, notice, refusedMark, saved, say, signedOut } from "../shared/messages.js";
import { root } from "../shared/site.js";

const WATCH = 100; // ms
const SETTLE = 300; // ms: several messages about one thing are one look

const page = $("review");
const task = Number(page.dataset.task);
const url = `${root}api/tasks/${task}/review/`;
const view = location.search; // how the queue is ordered and narrowed: what comes next goes by it
/** @type {Keep<import("./decision.js").Said[]>} */
const edits = new Keep(`${page.dataset.membership}:review`); // apart from what the same person marks as an annotator
const desk = new ReviewDesk(page, new Keep(page.dataset.membership), changed);
const { look, player, strip, drawing, marking, table, form, halfMade, editor: decision } = desk;
const lanes = new Lanes($("lanes"), { play: (start, end) => player.playRange(start, end), take: (number) => desk.take(number) });
const clips = new Clips(desk.context);
const comments = new Comments(`${root}api/tasks/${task}/comments/`);
const handingOn = new HandingOn(send);

let keptShape = ""; // of what this browser keeps of it
let looking = 0; // a timer

// ---- the decision ----------------------------------------------------------------------------------------------------------

/** After each change of the decision, or of what is half made of it: show it, and keep it in this browser until it is decided. */
function changed() {
  table.show(decision.regions());
  keepEdit();
  look.offer();
}

function keepEdit() {
  const mine = desk.inHand();
  if (!look.ready || shapeOf(mine) === keptShape) return;
  keptShape = shapeOf(mine);
  if (desk.edited || halfMade.kept().length) {
    const kept = edits.keepDraft(task, mine, false);
    saved(kept ? "Your edit is kept in this browser" : "This browser could not keep your edit: do not close this page", !kept);
  } else {
    edits.dropDraft(task);
    saved("");
  }
}

// ---- what the server has ---------------------------------------------------------------------------------------------------

/** Show a review; `mine` is an edit that goes on. @param {Review} given  @param {import("./decision.js").Said[] | null} mine */
function takeIn(given, mine = null) {
  const shown = inClip(given);
  desk.shown = shown;
  const state = new Map([["in review", "ready"], ["open", "open"]]).get(shown.task.state) ?? "decided";
  showAgreement($("agreement"), shown.agreement);
  showWaiting(shown);
  say("from", "0 s");
  say("to", `${shown.duration.toFixed(1)} s`);
  lanes.show({ ...shown, may: state === "ready" });
  showReferrals($("referrals"), shown.referrals);
  void comments.refresh(shown.may_return);
  showPast($("past"), shown.history, shown.duration);
  page.dataset.state = "loading"; // what is loaded now is no change of anybody's
  decision.load(saidBy(state === "decided" ? shown.decision : shown.crowd));
  look.show(state);
  if (!mine) return;
  marking.drop(); // what was half made is among them
  form.clear();
  if (state === "ready") decision.replace(mine);
}

/** @param {{ waiting: number }} given */
function showWaiting({ waiting }) {
  say("n-waiting", waiting ? `(${waiting} waiting)` : "");
}

/** @returns {Promise<Review | null>} */
async function fetched() {
  try {
    return await call("GET", url + view);
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
  return look.ready && (desk.edited || halfMade.kept().length) ? desk.inHand() : (edits.draft(task)?.result ?? null);
}

async function refresh() {
  const mine = unsent();
  const given = await fetched();
  if (!given) return;
  hideNotice();
  takeIn(given, mine);
  if (!mine) return;
  if (look.ready) saved("Your edit was restored from this browser");
  else notice("warning", `This clip does not wait for a decision any more. Your edit is kept ${edits.wouldLose ? "on this page" : "in this browser"}, and is here again if the decision is undone.`);
}

/** Something happened: see in a moment whether it concerns this clip. */
function lookAgain() {
  clearTimeout(looking);
  looking = setTimeout(() => void lookNow(), SETTLE);
}

async function lookNow() {
  const { shown } = desk;
  if (!shown || look.state === "sending") return;
  /** @type {Review | null} */
  const given = await call("GET", url + view).catch(() => null); // the next message asks again
  if (!given || look.state === "sending") return;
  showWaiting(given);
  if (given.seen === desk.shown?.seen) {
    desk.shown.next = given.next;
    return look.offer();
  }
  if (look.ready && (desk.edited || halfMade.things().length)) return stale("An answer or a decision on this clip came meanwhile.");
  const was = look.state;
  takeIn(given);
  if (was === "ready" && look.state === "decided") notice("warning", "Somebody else has just decided this clip. What they decided is shown below.");
}

/** @param {string} said */
function stale(said) {
  notice("warning", `${said} Your edit is kept.`, ["Show what is new", refresh]);
}

// ---- decisions -------------------------------------------------------------------------------------------------------------

/** @param {object} body */
async function send(body) {
  const { state } = look;
  player.pause();
  hideNotice();
  look.show("sending");
  try {
    const { next: there } = await call("POST", url + view, { ...body, seen: desk.shown?.seen });
    edits.dropDraft(task);
    location.assign(there);
  } catch (error) {
    look.show(state);
    if (!refused(error)) throw error;
  }
}

/** Say why the server did not take a decision; nothing is lost by it. @param {unknown} error */
function refused(error) {
  if (error instanceof SignedOut) signedOut(edits);
  else if (error instanceof Unreachable) notice("error", `${error.message} Nothing was decided, and nothing is lost.`, ["Try again", submit]);
  else if (!(error instanceof Refused)) return false;
  else if (error.status === 409) stale(error.message);
  else {
    const region = decision.regions()[refusedMark(error.body) ?? -1];
    if (region) decision.select(region.id);
    notice("error", `The decision was refused: ${error.message} Nothing is lost.`);
  }
  return true;
}

async function submit() {
  if (!(await desk.settled())) return;
  const { kind, number } = desk.verdict;
  if (kind === "accept" && !desk.shown?.crowd) return notice("warning", "There is no consensus to accept. Draw regions, or send the clip back.");
  const more = kind === "take" ? { person: number } : kind === "edit" ? { result: decision.result() } : {};
  await send({ decision: kind, ...more });
}

async function next() {
  if (!desk.shown?.next || (look.ready && !(await desk.settled()))) return;
  location.assign(desk.shown.next);
}

/** @param {string} kind */
async function handOn(kind) {
  if (desk.shown && (await desk.settled())) handingOn.open(kind, desk.shown);
}

async function undoDecision() {
  look.show("sending");
  try {
    takeIn(await call("POST", `${url}undo/${view}`, { seen: desk.shown?.seen }), edits.draft(task)?.result);
    notice("success", "The decision is taken back. The clip waits for a reviewer again.");
  } catch (error) {
    look.show("decided");
    if (!refused(error)) throw error;
  }
}

// ---- sound and regions -----------------------------------------------------------------------------------------------------

function watch() {
  player.tell();
  say("clock", clock(player.time, player.duration));
  if (!look.ready) return;
  marking.look();
  keepEdit();
}

function frame() {
  requestAnimationFrame(frame);
  const { shown, heard } = desk;
  if (!shown) return;
  if (player.playing) decision.follow(player.time);
  const { time } = player;
  const drawn = { view: decision.view(), duration: shown.duration, time, marks: decision.regions(), open: marking.parts() };
  strip.draw({ ...drawn, heard: heard.intervals(player.stem) });
  drawing.draw({ ...drawn, heard: [] });
  lanes.draw(drawn.view, time);
}

/** Fetch the sound of the clip that is shown. */
async function load() {
  const { shown } = desk;
  if (!shown) return;
  try {
    const clip = await clips.get({ task: { id: shown.task.id }, duration: shown.duration });
    await clip.whole; // people's answers were to all three
    player.load(clip);
    $("loading").textContent = "";
    page.dataset.playable = String(task);
    look.offer();
    strip.show(await clip.picture);
  } catch (error) {
    $("loading").textContent = "no sound";
    notice("error", `${error instanceof Error ? error.message : error} The answers can be read, but not heard.`, ["Try again", load]);
  }
}

// ---- wiring ----------------------------------------------------------------------------------------------------------------

/** What changes the decision does nothing where it is not to be decided. @param {(event: Event) => unknown} act */
function editing(act) {
  return (/** @type {Event} */ event) => look.ready && act(event);
}

$("undo-decision").addEventListener("click", undoDecision);
for (const what of ["task", "review", "submission"]) document.addEventListener(`unbleed:${what}`, lookAgain);
window.addEventListener("pagehide", () => {
  if (!look.ready) return;
  table.commit();
  keepEdit();
});
document.addEventListener("unbleed:note", () => void comments.refresh(desk.shown?.may_return ?? []));
setInterval(watch, WATCH);
askBeforeLeaving(() => edits.wouldLose || (look.ready && halfMade.loses));
requestAnimationFrame(frame);

desk.begin({
  more: (all) => ({
    ...Object.fromEntries(["mark", "markSelection", "opposite", "setStart", "setEnd", "delete"].map((name) => [name, editing(all[name])])),
    submit,
    sendBack: editing(() => handOn("send back")),
    returnIt: editing(() => handOn("return")),
    passOn: editing(() => handOn("pass on")),
    takeOver: editing(() => desk.takeNext()),
    reset: editing(() => desk.edited && decision.replace(saidBy(desk.shown?.crowd))),
    next,
    comment: () => comments.write(),
  }),
  buttons: [["opposite", "opposite"], ["reset", "reset"], ["next", "next"], ["send-back", "sendBack"]],
  editorFrame: document.createElement("div"),
  ready: () => Boolean(desk.shown),
});
await refresh();
if (desk.shown) await load();
