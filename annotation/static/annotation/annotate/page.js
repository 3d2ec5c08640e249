// @ts-check
// The annotate page: one task after the other, without reloading. This file ties together what the others do.
import { Ahead } from "./ahead.js";
import { Answers, uuid } from "./answers.js";
import { Refused, SignedOut } from "../shared/api.js";
import { marks } from "../shared/ask.js";
import { Back, heardBefore } from "./back.js";
import { Clips } from "../shared/clips.js";
import { AnnotateDesk } from "./desk.js";
import { DraftKeeper } from "./drafts.js";
import { FirstMarks, loadEditor } from "./first_marks.js";
import { Editor } from "../shared/editor.js";
import { $ } from "../shared/elements.js";
import { Examples } from "./examples.js";
import { tellOfUnended, withoutNotes } from "../shared/half_made.js";
import { Heard } from "../shared/heard.js";
import { Keep } from "../shared/keep.js";
import { holdLease } from "./lease.js";
import { askBeforeLeaving, go } from "../shared/leaving.js";
import { announce, clock, hideNotice, notice, refusedMark, saved, say, signedOut, stillToHear } from "../shared/messages.js";
import { Outcome, PracticeAnswers } from "./practice.js";
import { rules } from "../shared/rules.js";
import { begin, revisionOf } from "./versions.js";
import { gettext, written } from "../shared/words.js";

const WATCH = 100; // ms between looks at the play position
const LOOK_AGAIN = 15000;
const SETTLE = 300; // ms: whoever marks while the editor starts is not disturbed

const page = $("annotate");
const keep = new Keep(page.dataset.membership);
const practises = page.dataset.practice !== undefined; // where no clip is a task: none is reserved, kept or skipped
const answers = practises ? new PracticeAnswers(page.dataset) : new Answers(keep, page.dataset.campaign, (n, arrived) => look.waiting(n, arrived));
const desk = new AnnotateDesk(page, keep);
const { look, player, strip, marking, table, form, halfMade } = desk;
const clips = new Clips(desk.context);
const ahead = new Ahead(answers, clips, (n) => (desk.ahead = n));
const back = new Back({ desk, answers, reopen, next: nextTask });
const examples = new Examples(player);
const outcome = new Outcome({ play: (start, end) => player.playRange(start, end), next: () => nextTask(), progress: (known) => look.progress(known) });
const editor = new Editor($("editor-frame"), (time) => player.seek(time));
let follows = false; // whether a clip was before the person already
/** @type {Promise<void> | null} */
let loading = null; // of Label Studio's editor
let active = { seconds: 0, since: performance.now() }; // how long the page was before somebody's eyes

// ---- one task after the other ----------------------------------------------------------------------------------------------

async function start() {
  const arrived = await answers.deliverKept();
  const thanked = arrived.find((said) => said.thanked)?.thanked ?? "";
  if (arrived.length) notice("success", `${gettext("An answer that was kept in this browser has now reached the server.")} ${thanked}`.trim());
  const wanted = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname); // loaded again, the page goes on with the queue
  if (wanted.has("task")) await back.open({ task: Number(wanted.get("task")), what: wanted.get("what") });
  else await nextTask();
}

/** Put the next task on the desk; `goesOn`: whether it plays by itself, as soon as it can be heard. */
async function nextTask(goesOn = false) {
  const coming = answers.next(() => ahead.take()); // on its way while the old editor is taken down
  close();
  look.show("loading");
  let given;
  try {
    given = await coming;
  } catch (error) {
    if (error instanceof SignedOut) return stop(() => signedOut(keep));
    if (error instanceof Refused && error.body.go) return go(error.body.go, keep.wouldLose); // something comes before the queue
    if (error instanceof Refused) return stop(() => notice("error", error.message, [gettext("Try again"), again]));
    throw error;
  }
  if (!given?.ahead) hideNotice("warning");
  if (given !== null) return open(given, goesOn);
  look.progress(null);
  look.show("empty");
}

function again() {
  hideNotice();
  return nextTask();
}

/** @param {() => void} tell */
function stop(tell) {
  look.show("stopped");
  tell();
}

/** @param {Given} given */
async function open(given, goesOn = false) {
  const mine = { ...given.task, config: given.config, duration: given.duration, answer: given.answer ?? null };
  desk.task = mine;
  if (!given.ahead) look.progress(given.progress);
  ahead.gone(mine.id);
  saved("");
  desk.heard = new Heard(heardBefore(keep, given));
  const begun = await begin(keep, given);
  if (desk.task !== mine) return;
  const { result, unsent } = begun;
  $("task").hidden = false; // the editor measures its frame
  try {
    const clip = await clips.get(given, player.stem);
    if (desk.task !== mine) return;
    play(clip, mine.id, goesOn); // what is here already plays before the editor is up, and before the editor asks for sounds of its own
    const whole = clip.whole.then(() => complete(clip, mine));
    if (window.LabelStudio) {
      const shown = editor.show({ ...mine, task: mine, draft: withoutNotes(result) });
      desk.editor = editor;
      await Promise.all([whole, shown]);
    } else {
      desk.editor = new FirstMarks(withoutNotes(result), mine.duration, () => editor.place, strip.canvas);
      whole.then(() => bringEditor(mine)).catch((error) => failed(error, mine));
    }
  } catch (error) {
    return failed(error, mine);
  }
  if (desk.task !== mine) return;
  /** @param {OtherDraft} other */
  const elsewhere = (other) => desk.task === mine && reopen({ ...given, draft: other.result, draft_saved_at: other.saved_at, draft_age: other.age });
  const draft = practises ? null : new DraftKeeper(keep, mine.id, { ...begun, shape, result: () => halfMade.drafted(), revises: revisionOf(given), elsewhere });
  desk.draft = draft;
  active = { seconds: 0, since: performance.now() };
  if (result?.length && (unsent || given.draft)) saved(unsent ? gettext("Your marks were restored from this browser") : gettext("Your saved marks were restored"));
  look.show("ready");
  performance.mark("ready", { detail: mine.id });
  greet(mine.duration, result?.length ?? 0);
  table.show(regions());
  tellOfUnended(result, desk.editor);
  if (draft) back.tellOfOthers(given, draft);
  void ahead.fetch(mine.id, () => desk.task !== mine);
}

/** This task cannot be worked on. @param {unknown} error  @param {object} mine */
function failed(error, mine) {
  if (desk.task !== mine) return;
  editor.forget();
  const said = error instanceof Error ? error.message : String(error);
  stop(() => notice("error", `${said} ${gettext("Try again, or skip this clip.")}`, [gettext("Try again"), again], [gettext("Skip this clip"), () => skip("technical")]));
}

/** Label Studio's editor, megabytes, comes when the clip can be heard; what was marked until then goes on in it. @param {NonNullable<AnnotateDesk["task"]>} mine */
async function bringEditor(mine) {
  try {
    await (loading ??= loadEditor(page.dataset));
  } catch (error) {
    loading = null; // tried again with the next clip
    if (desk.task === mine) editor.tell(`${error instanceof Error ? error.message : error} ${gettext("Marks are made in the picture above; the next clip tries again.")}`);
    return;
  }
  const first = desk.editor;
  const inHand = () => desk.task === mine && desk.editor === first;
  for (;;) {
    if (!first || !inHand()) return;
    const before = JSON.stringify(first.result());
    const selected = first.regions().find((mark) => mark.selected);
    await editor.show({ ...mine, task: mine, draft: first.result() });
    if (inHand() && look.ready && !strip.dragging && before === JSON.stringify(first.result())) {
      desk.editor = editor.after(first);
      if (selected) editor.select(selected.id);
      return look.offer();
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLE));
  }
}

/** Whoever has just answered is at the player of the next clip, and hears what it is. @param {number} duration  @param {number} n */
function greet(duration, n) {
  announce(`${n ? gettext("Clip of %(seconds)s seconds with %(marks)s.", { seconds: written(duration, 1), marks: marks(n) }) : gettext("Clip of %(seconds)s seconds.", { seconds: written(duration, 1) })} ${$("progress").textContent}`);
  if (follows && !document.querySelector("dialog[open]")) $("transport").focus({ preventScroll: true });
  follows = true;
}

/** @param {Given} given */
function reopen(given) {
  close();
  look.show("loading");
  return open(given);
}

/** From now on the clip can be heard, which waits for neither the editor nor the other stems. @param {Clip} clip  @param {number} id  @param {boolean} goesOn */
function play(clip, id, goesOn) {
  player.load(clip);
  if (goesOn) player.play();
  performance.mark("playable", { detail: id });
  page.dataset.playable = String(id);
  look.offer();
}

/** @param {Clip} clip  @param {object} mine */
async function complete(clip, mine) {
  if (desk.task !== mine) return;
  player.complete(clip);
  const picture = await Promise.race([clip.picture, Promise.resolve(null)]);
  strip.show(picture);
  if (!picture) void clip.picture.then((late) => desk.task === mine && strip.show(late));
}

/** Leave the task: stop the sound, and have no marks before us. */
function close() {
  const { task, heard, draft } = desk;
  outcome.hide();
  player.unload();
  if (task && !practises && heard.intervals().length) keep.keepHeard(task.id, heard.all());
  draft?.end();
  desk.task = desk.editor = desk.draft = null;
  desk.heard = new Heard();
  delete page.dataset.playable;
  strip.show(null);
  strip.selection = null;
  marking.drop();
  form.clear();
  table.show([]);
  desk.missing = false;
}

/** The marks, in order of time. */
function regions() {
  return desk.editor?.regions() ?? [];
}

/** What a draft says, without ids and other things that do not matter to it. */
function shape() {
  return JSON.stringify(/** @type {Pick<Mark, 'start' | 'end' | 'missing' | 'tag'>[]} */ ([...regions(), ...halfMade.kept()]).map(({ start, end, missing, tag }) => [start, end, ...(missing ? [true] : []), ...(tag ? [tag] : [])]));
}

// ---- answers ---------------------------------------------------------------------------------------------------------------

/** @param {Result} result */
async function answer(result) {
  const { task, heard } = desk;
  if (!look.ready || !task) return;
  player.pause();
  if (!heard.isEnough(player.duration)) return askToListen();
  const body = { result, client_key: uuid(), lead_time: Math.round(activeTime() * 10) / 10, heard: heard.intervals(), played: heard.all(), revises: revisionOf(task) };
  performance.mark("answered", { detail: task.id });
  hideNotice();
  look.show("sending");
  let said;
  try {
    said = await answers.deliver(task.id, body, () => ahead.size > 0);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.body.go) return go(error.body.go, keep.wouldLose);
    look.show("ready");
    return explain(error);
  }
  if (said.outcome) {
    look.show("ready");
    return outcome.show(said.outcome);
  }
  desk.answered(task.id, said);
  const words = new Map([["left", gettext("Your earlier answer stays as it was.")], ["accepted", task.answer ? gettext("Your answer is changed.") : ""]]);
  const told = said.thanked || words.get(said.status);
  if (told) notice(said.status === "too soon" ? "error" : "success", told);
  await nextTask($("go-on").checked);
}

function askToListen(said = gettext("An answer counts when %(the)s %(were)s heard.", { ...rules.words })) {
  const rest = stillToHear(desk.heard.missing(player.duration));
  notice("warning", `${said} ${gettext("Still to hear: %(times)s.", { times: rest || gettext("the clip") })}`, [gettext("Play what is missing"), () => desk.act.missing(null)]);
}

/** A refusal that names a mark shows that mark; one that names what was heard says what is missing. @param {Refused} error */
function explain(error) {
  if (error.body.field === "heard") return askToListen(error.message);
  const refused = desk.editor?.result()[refusedMark(error.body) ?? -1];
  if (!refused) return notice("error", gettext("The answer was refused: %(why)s Nothing is lost.", { why: error.message }), [gettext("Load the clip again"), again]);
  desk.editor?.select(refused.id);
  const { start, end } = refused.value;
  notice("error", gettext("The mark from %(start)s to %(end)s s was refused: %(why)s Nothing is lost; change it and submit again.", { start: written(start, 2), end: written(end, 2), why: error.message }));
}

/** @param {string} reason */
async function skip(reason) {
  if (!desk.task) return;
  player.pause();
  desk.draft?.flush(); // whoever takes the skip back has their marks again
  look.show("sending");
  hideNotice();
  const { id } = desk.task;
  let skipped;
  try {
    skipped = await answers.skip(id, reason);
  } catch (error) {
    if (error instanceof SignedOut) return stop(() => signedOut(keep));
    return back.tell(error);
  }
  hideNotice();
  if (skipped) notice("success", gettext("The clip is skipped."), [gettext("Undo"), () => back.open({ task: id, what: "skipped" })]);
  await nextTask($("go-on").checked);
}

/** @param {Event} [event] */
async function submit(event) {
  if (!(await desk.settled())) return;
  if (desk.editor && regions().length) return answer(desk.editor.result());
  notice("warning", gettext("There are no marks. If nothing is wrong in this clip, confirm it with “Nothing wrong here”."));
  const alone = event instanceof KeyboardEvent && !event.ctrlKey && !event.metaKey;
  if (!alone) $("nothing").focus(); // pressed twice by accident, Enter would be an answer
}

async function nothing() {
  if (!look.ready || regions().length || !(await desk.settled({ contradicts: true }))) return;
  if (!regions().length) return answer([]);
  look.offer();
  notice("warning", gettext("Now there is a mark, so something is wrong in this clip. Submit it when it is right."));
  $("submit").focus();
}

/** Seconds that the page was before somebody's eyes. */
function activeTime() {
  return active.seconds + (document.hidden ? 0 : (performance.now() - active.since) / 1000);
}

// ---- sound and marks -------------------------------------------------------------------------------------------------------

function watch() {
  look.heard();
  if (!desk.task) return;
  player.tell();
  say("clock", clock(player.time, player.duration));
  if (!look.ready) return;
  marking.look();
  table.show(regions());
  desk.draft?.watch();
  look.offer();
}

function frame() {
  requestAnimationFrame(frame);
  const { heard } = desk;
  if (!look.ready || !desk.editor) return;
  const { time } = player;
  desk.editor.follow(time, player.playing);
  const drawn = { view: desk.editor.view(), duration: player.duration, time, marks: regions() };
  strip.draw({ ...drawn, open: marking.parts(), heard: heard.intervals(), proposed: desk.proposals.parts() });
}

function leave() {
  player.tell();
  if (desk.task && !practises) keep.keepHeard(desk.task.id, desk.heard.all());
  if (look.ready) desk.draft?.flush();
}

// ---- wiring ----------------------------------------------------------------------------------------------------------------

async function askWhy() {
  if (!(await desk.settled())) return;
  const n = regions().length;
  $("skip-marks").textContent = n ? gettext("This clip has %(marks)s of yours. Skipped, they are not your answer; they are here again if you take the skip back.", { marks: marks(n) }) : "";
  $("skip-dialog").returnValue = "";
  $("skip-dialog").showModal();
}

async function earlier() {
  if (!look.ready || (await desk.settled())) await back.open();
}

$("skip").addEventListener("click", askWhy);
$("skip-dialog").addEventListener("close", () => {
  if ($("skip-dialog").returnValue !== "skip") return;
  const reason = /** @type {HTMLInputElement} */ (document.querySelector("[name=reason]:checked"));
  void skip(reason.value);
});
$("empty-again").addEventListener("click", again);
$("go-on").checked = keep.choice("go-on") ?? false;
$("go-on").addEventListener("change", () => keep.keepChoice("go-on", $("go-on").checked));
$("instructions").open = !keep.choice("instructions-read");
$("instructions").addEventListener("toggle", () => keep.keepChoice("instructions-read", !$("instructions").open));
window.addEventListener("pagehide", () => {
  if (look.ready) {
    desk.letGo(); // a mark that is being dragged is a mark
    table.commit();
  }
  leave();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) leave();
  if (document.hidden) active.seconds += (performance.now() - active.since) / 1000;
  else active.since = performance.now();
});

// New tasks may have come: asked for when the server says that something changed, and every now and then besides.
const lookAgain = () => look.state === "empty" && !document.hidden && void nextTask();
document.addEventListener("unbleed:any", lookAgain);
setInterval(lookAgain, LOOK_AGAIN);
setInterval(watch, WATCH);
holdLease(() => (look.ready && !practises && !desk.task?.answer ? desk.task : null), keep);
askBeforeLeaving(() => answers.unsent || keep.wouldLose || (look.ready && (Boolean(desk.draft?.isStuck) || halfMade.loses)));
requestAnimationFrame(frame);

desk.begin({
  more: () => ({ ...desk.proposing(), nothing, submit, skip: () => practises || $("skip").click(), earlier: () => practises || earlier(), examples: () => examples.open(), note: () => desk.note.open(), effect: () => desk.effect?.open() }),
  buttons: [["nothing", "nothing"], ["opposite", "opposite"], ["accept", "accept"], ["dismiss", "dismiss"], ["play-missing", "missing"], ["earlier", "earlier"]],
  editorFrame: $("editor-frame"),
  ready: () => look.ready,
});
void start();
