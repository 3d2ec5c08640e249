// The annotate page: one task after the other, without reloading. This file ties together what the others do.
import { AddForm } from "../shared/add_form.js";
import { Ahead } from "./ahead.js";
import { Answers, uuid } from "./answers.js";
import { Refused, SignedOut } from "../shared/api.js";
import { marks } from "../shared/ask.js";
import { Back, heardBefore } from "./back.js";
import { Clips } from "../shared/clips.js";
import { DraftKeeper } from "./drafts.js";
import { Editor } from "../shared/editor.js";
import { HalfMade, tellOfUnended, withoutNotes } from "../shared/half_made.js";
import { ENOUGH, Heard } from "../shared/heard.js";
import { Help } from "../shared/help.js";
import { Keep } from "../shared/keep.js";
import { Keymap } from "../shared/keymap.js";
import { listenForKeys, onButton } from "../shared/keys.js";
import { holdLease } from "./lease.js";
import { askBeforeLeaving, go } from "../shared/leaving.js";
import { Look } from "./look.js";
import { Marking, REACTION } from "../shared/marking.js";
import { $, clock, hideNotice, notice, saved, say, signedOut } from "../shared/messages.js";
import { Player, SPEEDS, STEMS } from "../shared/player.js";
import { RegionTable } from "../shared/regions.js";
import { Strip } from "../shared/strip.js";
import { verbs } from "../shared/verbs.js";
import { begin, revisionOf } from "./versions.js";

const WATCH = 100; // ms between looks at the play position
const LOOK_AGAIN = 15000;

const page = $("annotate");
const keep = new Keep(page.dataset.membership);
const answers = new Answers(keep, page.dataset.campaign, (n, arrived) => look.waiting(n, arrived));
const context = new AudioContext();
const clips = new Clips(context);
const player = new Player(context, { changed: () => look.offer(), sounded: (stem, start, end) => heard.add(stem, start, end) });
const ahead = new Ahead(answers, clips, (n) => (desk.ahead = n));

let task = null; // the task before us, as the server gave it
let editor = null;
let heard = new Heard();
let draft = null;
let active = { seconds: 0, since: performance.now() }; // how long the page was before somebody's eyes
const marking = new Marking(player, {
  add: (start, end) => editor.add(start, Math.min(end, player.duration)),
  reaction: () => keep.choice("reaction") ?? REACTION,
  changed: () => look.marking(),
});
const table = new RegionTable($("regions-rows"), $("regions-count"), $("region-error"), {
  play: (region) => player.playRange(region.start, region.end),
  change: (region, start, end) => editor.change(region.id, start, end),
  remove: (region) => editor.remove(region.id),
  select: (region) => editor.select(region.id),
  duration: () => player.duration,
});
const form = new AddForm($("region-add"), table, $("region-error"), (start, end) => editor.add(start, end));
const strip = new Strip($("strip"), {
  seek: (time) => player.seek(time),
  select: () => look.offer(),
  change: (region, start, end) => editor.change(region.id, start, end),
  zoom: (factor, around) => editor?.zoomTo(editor.zoom * factor, around),
  scroll: (start) => editor?.scrollTo(start),
  regions: () => (look.ready ? editor.regions() : []),
});
/** What lies before us, for whoever works on it. */
const desk = {
  ...{ player, strip, marking, keep },
  get task() { return task; },
  get editor() { return editor; },
  get heard() { return heard; },
  get draft() { return draft; },
  get act() { return act; },
  get halfMade() { return halfMade; }, // what is begun and not finished: things() says what, settle() finishes it or asks
  ahead: 0, // clips of coming tasks that could be played at once
  changed: () => look.offer(),
};
const halfMade = new HalfMade(desk, form, table, () => {
  strip.letGo();
  editor.letGo();
});
const keymap = new Keymap(keep.choice("keymap"), (map) => keep.keepChoice("keymap", map));
const look = new Look(page, desk, keymap);
const help = new Help(keymap, {
  context,
  reaction: { get: () => keep.choice("reaction") ?? REACTION, set: (seconds) => keep.keepChoice("reaction", seconds) },
  shown: () => look.keys(),
});

const back = new Back(page, { desk, answers, reopen, next: nextTask });

// ---- one task after the other ----------------------------------------------------------------------------------------------

async function start() {
  const arrived = await answers.deliverKept();
  const thanked = arrived.find((said) => said.thanked)?.thanked ?? "";
  if (arrived.length) notice("success", `An answer that was kept in this browser has now reached the server. ${thanked}`.trim());
  const wanted = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname); // loaded again, the page goes on with the queue
  if (wanted.has("task")) await back.open({ task: Number(wanted.get("task")), what: wanted.get("what") });
  else await nextTask();
}

async function nextTask() {
  const coming = answers.next(() => ahead.take()); // on its way while the old editor is taken down
  close();
  look.show("loading");
  let given;
  try {
    given = await coming;
  } catch (error) {
    if (error instanceof SignedOut) return stop(() => signedOut(keep));
    if (error instanceof Refused && error.body.go) return go(error.body.go, keep.wouldLose); // something comes before the queue
    if (error instanceof Refused) return stop(() => notice("error", error.message, ["Try again", again]));
    throw error;
  }
  if (!given?.ahead) hideNotice("warning");
  if (given !== null) return open(given);
  look.progress(null);
  look.show("empty");
}

function again() {
  hideNotice();
  nextTask();
}

function stop(tell) {
  look.show("stopped");
  tell();
}

async function open(given) {
  const mine = (task = { ...given.task, config: given.config, duration: given.duration, answer: given.answer ?? null });
  if (given.instructions) $("instructions-text").textContent = given.instructions;
  if (!given.ahead) look.progress(given.progress);
  ahead.gone(task.id);
  saved("");
  heard = new Heard(heardBefore(keep, given));
  const begun = await begin(keep, given);
  if (task !== mine) return;
  const { result, unsent } = begun;
  $("task").hidden = false; // the editor measures its frame
  try {
    const clip = await clips.get(given, player.stem);
    if (task !== mine) return;
    play(clip); // what is here already plays before the editor is up, and before the editor asks for sounds of its own
    editor = new Editor($("editor-frame"), { config: task.config, task, draft: withoutNotes(result), seek: (time) => player.seek(time) });
    await Promise.all([clip.whole.then(() => complete(clip, mine)), editor.ready()]);
  } catch (error) {
    if (task !== mine) return;
    stop(() => notice("error", `${error.message} Try again, or skip this clip.`, ["Try again", again], ["Skip this clip", () => skip("technical")]));
    return;
  }
  if (task !== mine) return;
  const elsewhere = (other) => task === mine && reopen({ ...given, draft: other.result, draft_saved_at: other.saved_at, draft_age: other.age });
  draft = new DraftKeeper(keep, task.id, { ...begun, shape, result: () => halfMade.drafted(), revises: revisionOf(given), elsewhere });
  active = { seconds: 0, since: performance.now() };
  if (result?.length && (unsent || given.draft)) saved(unsent ? "Your marks were restored from this browser" : "Your saved marks were restored");
  look.show("ready");
  table.show(editor.regions());
  tellOfUnended(result, editor);
  back.tellOfOthers(given);
  ahead.fetch(mine.id, () => task !== mine);
}

function reopen(given) {
  close();
  look.show("loading");
  return open(given);
}

/** From now on the clip can be heard, which waits for neither the editor nor the other stems. */
function play(clip) {
  player.load(clip);
  performance.mark("playable", { detail: task.id });
  page.dataset.playable = task.id;
  look.offer();
}

async function complete(clip, mine) {
  if (task !== mine) return;
  player.complete(clip);
  const picture = await Promise.race([clip.picture, Promise.resolve(null)]);
  strip.show(picture);
  if (!picture) clip.picture.then((late) => task === mine && strip.show(late));
}

/** Leave the task: stop the sound, forget the editor. */
function close() {
  player.unload();
  if (task && heard.intervals().length) keep.keepHeard(task.id, heard.all());
  draft?.end();
  editor?.destroy();
  task = editor = draft = null;
  heard = new Heard();
  delete page.dataset.playable;
  strip.show(null);
  strip.selection = null;
  marking.drop();
  form.clear();
  table.show([]);
}

/** What a draft says, without ids and other things that do not matter to it. */
function shape() {
  return JSON.stringify([...editor.regions(), ...halfMade.kept()].map(({ start, end }) => [start, end]));
}

// ---- answers ---------------------------------------------------------------------------------------------------------------

async function answer(result) {
  if (!look.ready) return;
  player.pause();
  if (heard.share(player.duration) < ENOUGH) return askToListen();
  const body = { result, client_key: uuid(), lead_time: Math.round(activeTime() * 10) / 10, heard: heard.intervals(), played: heard.all(), revises: revisionOf(task) };
  performance.mark("answered", { detail: task.id });
  hideNotice();
  look.show("sending");
  let said;
  try {
    said = await answers.deliver(task.id, body, () => ahead.size > 0);
  } catch (error) {
    if (error.body?.go) return go(error.body.go, keep.wouldLose);
    if (!(error instanceof Refused)) throw error;
    look.show("ready");
    return explain(error);
  }
  if (said.status !== "waiting") heard = new Heard(); // confirmed: nothing of it is kept any longer
  const words = { left: "Your earlier answer stays as it was.", accepted: task.answer && "Your answer is changed." };
  if (said.thanked || words[said.status]) notice(said.status === "too soon" ? "error" : "success", said.thanked || words[said.status]);
  await nextTask();
}

function askToListen(said = "An answer counts when the vocals were heard.") {
  const rest = heard.missing(player.duration).map(([start, end]) => `${clock(start)}–${clock(end)}`);
  notice("warning", `${said} Still to hear: ${rest.join(", ") || "the clip"}.`, ["Play what is missing", act.missing]);
}

/** A refusal that names a mark shows that mark; one that names what was heard says what is missing. */
function explain(error) {
  if (error.body.field === "heard") return askToListen(error.message);
  const { region } = error.body;
  const number = typeof region === "string" ? Number(region.match(/\d+/)?.[0]) : region;
  const marks = task && editor ? editor.result() : [];
  if (Number.isInteger(number) && marks[number]) {
    editor.select(marks[number].id);
    const { start, end } = marks[number].value;
    notice("error", `The mark from ${start.toFixed(2)} to ${end.toFixed(2)} s was refused: ${error.message} Nothing is lost; change it and submit again.`);
  } else {
    notice("error", `The answer was refused: ${error.message} Nothing is lost.`, ["Load the clip again", again]);
  }
}

async function skip(reason) {
  if (!task) return;
  player.pause();
  draft?.flush(); // whoever takes the skip back has their marks again
  look.show("sending");
  hideNotice();
  const { id } = task;
  let skipped;
  try {
    skipped = await answers.skip(id, reason);
  } catch (error) {
    if (error instanceof SignedOut) return stop(() => signedOut(keep));
    return back.tell(error);
  }
  hideNotice();
  if (skipped) notice("success", "The clip is skipped.", ["Undo", () => back.open({ task: id, what: "skipped" })]);
  await nextTask();
}

/** Whether one may go on: when nothing is half made any more. */
async function settled(how) {
  return look.ready && (await halfMade.settle(how)) && look.ready;
}

async function submit() {
  if (!(await settled())) return;
  if (editor.regions().length) return answer(editor.result());
  notice("warning", "There are no marks. If nothing is wrong in this clip, confirm it with “Nothing wrong here”.");
  $("nothing").focus();
}

async function nothing() {
  if (!look.ready || editor.regions().length || !(await settled({ contradicts: true }))) return;
  if (!editor.regions().length) return answer([]);
  look.offer();
  notice("warning", "Now there is a mark, so something is wrong in this clip. Submit it when it is right.");
  $("submit").focus();
}

/** Seconds that the page was before somebody's eyes. */
function activeTime() {
  return active.seconds + (document.hidden ? 0 : (performance.now() - active.since) / 1000);
}

// ---- sound and marks -------------------------------------------------------------------------------------------------------

function watch() {
  look.heard();
  if (!task) return;
  player.tell();
  say("clock", `${clock(player.time)} / ${clock(player.duration)}`);
  if (!look.ready) return;
  marking.look();
  table.show(editor.regions());
  draft.watch();
  look.offer();
}

function frame() {
  requestAnimationFrame(frame);
  if (!look.ready) return;
  editor.follow(player.time, player.playing);
  const drawn = { view: editor.view(), duration: player.duration, time: player.time, marks: editor.regions() };
  strip.draw({ ...drawn, open: marking.parts(), heard: heard.intervals() });
}

function leave() {
  player.tell();
  if (task) keep.keepHeard(task.id, heard.all());
  if (look.ready) draft.flush();
}

// ---- wiring ----------------------------------------------------------------------------------------------------------------

const act = {
  ...verbs(desk),
  nothing,
  submit,
  skip: () => $("skip").click(),
  earlier: async () => (!look.ready || (await settled())) && back.open(),
  help: () => help.open(),
};
const hold = { press: (moment) => look.ready && marking.press(moment), release: (moment) => marking.release(moment) };
const lost = (moment) => marking.lose(moment);
listenForKeys({ keymap, act, editorFrame: $("editor-frame"), ready: () => look.ready, released: hold.release, lost });

for (const speed of SPEEDS) $("speed").append(new Option(`${speed} ×`, String(speed), speed === 1, speed === 1));
$("speed").addEventListener("change", () => act.speed(Number($("speed").value)));
$("equal").addEventListener("change", () => {
  player.equalLoudness = $("equal").checked;
  keep.keepChoice("equal", $("equal").checked);
});
$("listen").addEventListener("change", () => act[document.querySelector("[name=listen]:checked").value]());
onButton($("mark"), hold);
for (const [id, action] of [
  ...["play", "loop", "undo", "redo", "nothing", "submit"].map((name) => [name, name]),
  ...[["mark-selection", "markSelection"], ["zoom-in", "zoomIn"], ["zoom-out", "zoomOut"], ["zoom-all", "zoomAll"], ["play-missing", "missing"]],
]) $(id).addEventListener("click", () => act[action]());
$("earlier").addEventListener("click", () => act.earlier());
$("skip").addEventListener("click", async () => {
  if (!(await settled())) return;
  const n = editor.regions().length;
  $("skip-marks").textContent = n ? `This clip has ${marks(n)} of yours. Skipped, they are not your answer; they are here again if you take the skip back.` : "";
  $("skip-dialog").returnValue = "";
  $("skip-dialog").showModal();
});
$("skip-dialog").addEventListener("close", () => {
  if ($("skip-dialog").returnValue === "skip") skip(document.querySelector("[name=reason]:checked").value);
});
$("empty-again").addEventListener("click", again);
$("instructions").open = !keep.choice("instructions-read");
$("instructions").addEventListener("toggle", () => keep.keepChoice("instructions-read", !$("instructions").open));
window.addEventListener("pagehide", () => {
  if (look.ready) table.commit();
  leave();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) leave();
  if (document.hidden) active.seconds += (performance.now() - active.since) / 1000;
  else active.since = performance.now();
});

// New tasks may have come: asked for when the server says that something changed, and every now and then besides.
const lookAgain = () => page.dataset.state === "empty" && !document.hidden && nextTask();
document.addEventListener("unbleed:any", lookAgain);
setInterval(lookAgain, LOOK_AGAIN);
setInterval(watch, WATCH);
holdLease(() => (look.ready && !task.answer ? task : null), keep);
askBeforeLeaving(() => answers.unsent || keep.wouldLose || (look.ready && (draft.isStuck || halfMade.loses)));
requestAnimationFrame(frame);

window.unbleed = desk; // for the browser's console, and for tests that ask what is going on

act[STEMS.includes(keep.choice("listen")) ? keep.choice("listen") : "vocals"]();
$("equal").checked = player.equalLoudness = keep.choice("equal") ?? true;
look.marking();
if (window.LabelStudio) start();
else stop(() => notice("error", "Label Studio's editor is missing on this server. Whoever runs it can fetch it with: python manage.py fetch_editor"));
