// The annotate page: one task after the other, without reloading. Nothing that somebody has done is dropped before the server
// has confirmed it: marks are kept in this browser at once and on the server soon after, and an answer is sent again, with the
// same key, until it is confirmed or refused.
import { Refused, SignedOut, Unreachable, call } from "./api.js";
import { Editor } from "./editor.js";
import { Heard } from "./heard.js";
import { Keep } from "./keep.js";
import { RegionTable } from "./regions.js";

const WATCH = 100; // ms between looks at the play position
const DRAFT_AFTER = 1000; // ms of quiet before a draft is sent
const DRAFT_AT_LATEST = 1800; // ms after the first unsaved change
const HEARTBEAT = 60000;
const LOOK_AGAIN = 15000;

const $ = (id) => document.getElementById(id);
const page = $("annotate");
const keep = new Keep(page.dataset.membership);
const here = `/api/campaigns/${page.dataset.campaign}`;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let task = null; // the task before us, as the server gave it
let editor = null;
let heard = null;
let work = null; // {seen, active, since}: what the draft keeper and the clock of this task know
let markFrom = null;
const table = new RegionTable($("regions-rows"), $("regions-count"), $("region-error"), {
  play: (region) => editor.playRange(region.start, region.end),
  change: (region, start, end) => editor.change(region.id, start, end),
  remove: (region) => editor.remove(region.id),
  select: (region) => editor.select(region.id),
  duration: () => editor?.duration ?? 0,
});

// ---- what the page says ----------------------------------------------------------------------------------------------------

function show(state) {
  page.dataset.state = state; // loading | ready | sending | empty | stopped
  $("waiting").hidden = state !== "loading";
  $("empty").hidden = state !== "empty";
  $("task").hidden = !["loading", "ready", "sending"].includes(state) || !task;
  $("editor-frame").classList.toggle("locked", state !== "ready");
  $("editor-frame").inert = state !== "ready";
  offer();
}

/** Touch the page only where something is new: these are set ten times a second. */
function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function notice(kind, text, ...actions) {
  const box = $("notice");
  box.className = `message ${kind}`;
  $("notice-text").textContent = text;
  $("notice-actions").replaceChildren(
    ...actions.map(([label, act]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", act);
      return button;
    }),
  );
  box.hidden = false;
}

function hideNotice() {
  $("notice").hidden = true;
}

function saved(text, bad = false) {
  $("saved").textContent = text;
  $("saved").classList.toggle("bad", bad);
}

function signedOut() {
  const back = encodeURIComponent(location.pathname);
  notice("error", "You are signed out. Your marks are kept in this browser; sign in again and they are here.", ["Sign in", () => location.assign(`/sign-in/?next=${back}`)]);
}

function seconds(value) {
  const tenths = Math.floor(value * 10 + 1e-6);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

/** Which buttons may be pressed, and why not. */
function offer() {
  const ready = page.dataset.state === "ready";
  const n = ready ? editor.regions().length : 0;
  for (const id of ["play", "mark", "skip"]) $(id).disabled = !ready;
  for (const field of $("region-add").elements) field.disabled = !ready;
  $("undo").disabled = !ready || !editor.canUndo;
  $("redo").disabled = !ready || !editor.canRedo;
  $("submit").disabled = !ready || n === 0;
  $("nothing").disabled = !ready || n > 0;
  if (page.dataset.state === "sending") say("nothing-hint", "Sending your answer …");
  else if (!ready) say("nothing-hint", "");
  else if (n > 0) say("nothing-hint", "“Nothing wrong here” is for clips without marks: delete the marks to use it.");
  else say("nothing-hint", "No marks yet. If every sound in the vocals is a voice, say “Nothing wrong here”.");
}

// ---- one task after the other ----------------------------------------------------------------------------------------------

async function start() {
  await sendKept();
  await nextTask();
}

/** Answers that an earlier visit could not bring to the server. */
async function sendKept() {
  for (const [id, body] of keep.answers()) {
    const status = await deliver(id, body);
    if (status) notice("success", "An answer that was kept in this browser has now reached the server.");
  }
}

async function nextTask() {
  close();
  show("loading");
  let given;
  for (let tries = 0; ; tries += 1) {
    try {
      given = await call("POST", `${here}/next/`);
      break;
    } catch (error) {
      if (error instanceof SignedOut) return stop(signedOut);
      if (error instanceof Refused) return stop(() => notice("error", error.message, ["Try again", again]));
      await wait(tries, `${error.message} The next task cannot be fetched yet.`);
    }
  }
  if ($("notice").classList.contains("warning")) hideNotice();
  if (given === null) {
    $("progress").textContent = "";
    return show("empty");
  }
  await open(given);
}

function again() {
  hideNotice();
  nextTask();
}

function stop(say) {
  show("stopped");
  say();
}

/** Back off between tries: 1, 2, 4 … 30 s, or until the person or the network says now. */
function wait(tries, text) {
  const length = Math.min(30, 2 ** tries);
  return new Promise((resolve) => {
    const timer = setTimeout(done, length * 1000);
    function done() {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      resolve();
    }
    window.addEventListener("online", done);
    notice("warning", `${text} Trying again in ${length} s.`, ["Try now", done]);
  });
}

async function open(given) {
  task = { ...given.task, config: given.config, duration: given.duration, opened: new Date() };
  const mine = task;
  if (given.instructions) $("instructions-text").textContent = given.instructions;
  const { done, open: left } = given.progress ?? {};
  $("progress").textContent = done === undefined ? "" : `${done} answered · ${left} open`;
  saved("");
  const kept = keep.draft(task.id);
  // What this browser could not bring to the server is newer than what the server has.
  const draft = kept && !kept.saved ? kept.result : given.draft;
  $("task").hidden = false; // the editor measures its frame
  try {
    editor = new Editor($("editor-frame"), { config: task.config, task, draft, source: listening() });
    heard = new Heard();
    await editor.ready();
  } catch (error) {
    if (task !== mine) return;
    stop(() =>
      notice("error", `${error.message} Try again, or skip this clip.`, ["Try again", again], ["Skip this clip", () => skip("technical")]),
    );
    return;
  }
  work = { text: JSON.stringify(shape()), savedText: JSON.stringify(shape()), changed: null, touched: null, saving: false, active: 0, since: performance.now() };
  if (kept && !kept.saved) {
    work.savedText = null;
    work.changed = work.touched = performance.now();
  }
  if (draft?.length) saved(kept && !kept.saved ? "Your marks were restored from this browser" : "Your saved marks were restored");
  show("ready");
  table.show(editor.regions());
}

/** Leave the task: stop the sound, forget the editor. */
function close() {
  editor?.destroy();
  task = editor = heard = work = markFrom = null;
  table.show([]);
  markButton();
}

/** What an answer says, without ids and other things that do not matter to it. */
function shape() {
  return editor.regions().map(({ start, end }) => [start, end]);
}

// ---- answers ---------------------------------------------------------------------------------------------------------------

async function answer(result) {
  if (page.dataset.state !== "ready") return;
  editor.pause();
  const body = { result, client_key: uuid(), lead_time: Math.round(activeTime() * 10) / 10, heard: heard.intervals() };
  const id = task.id;
  keep.keepAnswer(id, body); // from here on a reload sends it again with the same key
  hideNotice();
  show("sending");
  const status = await deliver(id, body);
  if (status === null) return show("ready");
  if (status === "surplus") notice("success", "Thank you. Enough people had answered this clip meanwhile; your answer is kept beside theirs.");
  await nextTask();
}

/** Send one answer until the server confirms or refuses it. Returns its status, or null when refused. */
async function deliver(id, body) {
  for (let tries = 0; ; tries += 1) {
    try {
      const { status } = await call("PUT", `/api/tasks/${id}/submission/`, body);
      keep.dropAnswer(id);
      keep.dropDraft(id);
      hideNotice();
      return status;
    } catch (error) {
      if (error instanceof Refused) {
        keep.dropAnswer(id);
        keep.keepDraft(id, body.result, false);
        explain(error);
        return null;
      }
      if (error instanceof SignedOut) signedOut();
      if (error instanceof SignedOut) await pause(5000);
      else await wait(tries, `${error.message} Your answer is kept in this browser.`);
    }
  }
}

/** A refusal that names a mark shows that mark. */
function explain(error) {
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
  const id = task?.id;
  if (id === undefined) return;
  show("sending");
  hideNotice();
  for (let tries = 0; ; tries += 1) {
    try {
      await call("POST", `/api/tasks/${id}/skip/`, { reason });
      break;
    } catch (error) {
      if (error instanceof SignedOut) return stop(signedOut);
      if (error instanceof Refused) break; // no longer ours: the next one, then
      await wait(tries, error.message);
    }
  }
  keep.dropDraft(id);
  hideNotice();
  await nextTask();
}

function submit() {
  if (page.dataset.state !== "ready") return;
  const field = document.activeElement;
  if (field?.matches("#regions-rows input")) {
    field.blur(); // a time that is still being typed counts
    if ($("region-error").textContent) return field.focus();
  }
  if (editor.regions().length) return answer(editor.result());
  notice("warning", "There are no marks. If nothing is wrong in this clip, confirm it with “Nothing wrong here”.");
  $("nothing").focus();
}

/** Seconds that the page was before somebody's eyes. */
function activeTime() {
  return work.active + (document.hidden ? 0 : (performance.now() - work.since) / 1000);
}

/** A random (version 4) UUID; crypto.randomUUID exists only under https and on localhost. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

// ---- drafts ----------------------------------------------------------------------------------------------------------------

/** Notice a change, keep it in this browser at once, on the server after a moment of quiet. */
function watchDraft() {
  const now = performance.now();
  const text = JSON.stringify(shape());
  if (text !== work.text) {
    work.text = text;
    work.touched = now;
    work.changed ??= now;
    keep.keepDraft(task.id, editor.result(), false);
  }
  if (work.changed === null || work.saving) return;
  if (now - work.touched >= DRAFT_AFTER || now - work.changed >= DRAFT_AT_LATEST) saveDraft();
}

async function saveDraft() {
  const [mine, id, text, result] = [work, task.id, work.text, editor.result()];
  mine.saving = true;
  mine.changed = null;
  try {
    const { saved_at: at } = await call("PUT", `/api/tasks/${id}/draft/`, { result });
    mine.savedText = text;
    mine.failures = 0;
    if (work !== mine) return;
    if (work.text === text) keep.keepDraft(id, result, true);
    saved(`Saved ${new Date(at ?? Date.now()).toLocaleTimeString("en-GB")}`);
  } catch (error) {
    if (work !== mine) return;
    if (error instanceof Refused) return saved(`Not saved: ${error.message}`, true);
    saved(`Kept in this browser (${error.message.replace(/\.$/, "").toLowerCase()})`, true);
    if (error instanceof SignedOut) signedOut();
    mine.failures = (mine.failures ?? 0) + 1;
    setTimeout(() => (mine.changed ??= performance.now()), Math.min(30, 2 ** mine.failures) * 1000);
  } finally {
    mine.saving = false;
  }
}

/** The last chance before the page goes away. */
function flush() {
  if (page.dataset.state !== "ready" || !work || JSON.stringify(shape()) === work.savedText) return;
  const result = editor.result();
  keep.keepDraft(task.id, result, false);
  const [id, text, mine] = [task.id, JSON.stringify(shape()), work];
  call("PUT", `/api/tasks/${id}/draft/`, { result }, { keepalive: true }).then(
    () => (mine.savedText = text),
    () => {},
  );
}

// ---- sound and marks -------------------------------------------------------------------------------------------------------

function listening() {
  return document.querySelector("[name=listen]:checked").value;
}

function listenTo(source) {
  document.querySelector(`[name=listen][value=${source}]`).checked = true;
  keep.keepChoice("listen", source);
  editor?.listen(source);
}

function mark() {
  const now = editor.time;
  if (markFrom === null) {
    markFrom = now;
  } else {
    const [start, end] = [Math.min(markFrom, now), Math.max(markFrom, now)];
    markFrom = null;
    if (end - start >= 0.02) editor.add(start, end);
  }
  markButton();
}

function markButton() {
  $("mark-label").textContent = markFrom === null ? "Mark from here" : `Mark ${markFrom.toFixed(1)} s to here`;
  $("mark").setAttribute("aria-pressed", String(markFrom !== null));
}

function watch() {
  if (page.dataset.state !== "ready") return;
  heard.at(editor.time, editor.judgedSounds, editor.rate, performance.now() / 1000);
  editor.keepStep();
  say("clock", `${seconds(editor.time)} / ${seconds(editor.duration)}`);
  say("play-label", editor.playing ? "Pause" : "Play");
  table.show(editor.regions());
  watchDraft();
  offer();
}

function add(event) {
  event.preventDefault();
  const problem = table.problem($("add-start").valueAsNumber, $("add-end").valueAsNumber);
  $("region-error").textContent = problem ?? "";
  if (problem) return;
  editor.add($("add-start").valueAsNumber, $("add-end").valueAsNumber);
  event.target.reset();
  $("add-start").focus();
}

// ---- keys ------------------------------------------------------------------------------------------------------------------

const KEYS = {
  " ": () => editor.toggle(),
  arrowleft: (event) => editor.seek(editor.time - (event.shiftKey ? 0.1 : 1)),
  arrowright: (event) => editor.seek(editor.time + (event.shiftKey ? 0.1 : 1)),
  v: () => listenTo("vocals"),
  x: () => listenTo("mix"),
  b: () => listenTo("both"),
  m: mark,
  s: () => $("skip").click(),
};

function onKey(event) {
  const typing = event.target.closest?.("input:not([type=radio]), textarea, select, [contenteditable=true]");
  const ours = typing && !$("editor-frame").contains(typing);
  // The editor's own keys would swallow the Escape that closes a dialog.
  if (document.querySelector("dialog[open]") || (ours && !event.ctrlKey)) return event.stopImmediatePropagation();
  if (event.altKey || event.metaKey) return;
  const take = (act) => {
    event.preventDefault();
    event.stopImmediatePropagation(); // the editor listens for some of these too
    if (!event.repeat || event.key.startsWith("Arrow")) act(event);
  };
  if (event.ctrlKey) {
    if (event.key === "Enter") take(submit);
    return;
  }
  if (typing) return;
  if (event.key === "?") return take(() => $("help").showModal());
  if (page.dataset.state !== "ready") return;
  const onControl = event.target.closest?.("button, summary, a");
  if (["Enter", " "].includes(event.key) && onControl && !$("editor-frame").contains(onControl)) return event.stopImmediatePropagation();
  if (event.key.startsWith("Arrow") && event.target.type === "radio") return;
  // Letters of a layout without Latin ones go by the place of the key.
  const name = /^[a-z]$/i.test(event.key) || event.key.length > 1 || event.key === " " ? event.key : event.code.replace(/^Key/, "");
  const act = KEYS[name.toLowerCase()];
  if (act) take(act);
}

// ---- wiring ----------------------------------------------------------------------------------------------------------------

$("play").addEventListener("click", () => editor.toggle());
$("listen").addEventListener("change", () => listenTo(listening()));
$("mark").addEventListener("click", mark);
$("undo").addEventListener("click", () => editor.undo());
$("redo").addEventListener("click", () => editor.redo());
$("region-add").addEventListener("submit", add);
$("submit").addEventListener("click", submit);
$("nothing").addEventListener("click", () => answer([]));
$("skip").addEventListener("click", () => {
  $("skip-dialog").returnValue = "";
  $("skip-dialog").showModal();
});
$("skip-dialog").addEventListener("close", () => {
  if ($("skip-dialog").returnValue === "skip") skip(document.querySelector("[name=reason]:checked").value);
});
$("help-open").addEventListener("click", () => $("help").showModal());
$("empty-again").addEventListener("click", again);
$("instructions").open = !keep.choice("instructions-read");
$("instructions").addEventListener("toggle", () => keep.keepChoice("instructions-read", !$("instructions").open));
window.addEventListener("keydown", onKey, { capture: true });
window.addEventListener("pagehide", flush);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) flush();
  if (!work) return;
  if (document.hidden) work.active += (performance.now() - work.since) / 1000;
  else work.since = performance.now();
});

// New tasks may have come: asked for when the server says that something changed, and every now and then besides.
const look = () => page.dataset.state === "empty" && !document.hidden && nextTask();
document.addEventListener("unbleed:any", look);
setInterval(look, LOOK_AGAIN);
setInterval(watch, WATCH);
setInterval(async () => {
  if (!task || page.dataset.state !== "ready" || document.hidden) return;
  try {
    await call("POST", `/api/tasks/${task.id}/lease/`);
  } catch (error) {
    if (error instanceof SignedOut) signedOut();
    else if (error instanceof Refused) notice("warning", "This clip is no longer reserved for you. You can still submit your marks; they are kept.");
  }
}, HEARTBEAT);

const source = keep.choice("listen");
if (source) listenTo(source);
if (window.LabelStudio) start();
else stop(() => notice("error", "Label Studio's editor is missing on this server. Whoever runs it can fetch it with: python manage.py fetch_editor"));
