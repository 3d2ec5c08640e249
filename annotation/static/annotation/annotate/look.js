// How the page looks while one works: which buttons may be pressed, what has been heard, how far one is.
import { ENOUGH } from "../shared/heard.js";
import { $, clock, say } from "../shared/messages.js";

export class Look {
  #progress = null; // {done, open} as far as the server knows

  /** `desk` is what lies before the person: player, strip, marking, and what changes with every task: task, editor, heard. */
  constructor(page, desk, keymap) {
    Object.assign(this, { page, desk, keymap });
  }

  get ready() {
    return this.page.dataset.state === "ready";
  }

  show(state) {
    this.page.dataset.state = state; // loading | ready | sending | empty | stopped
    $("waiting").hidden = state !== "loading";
    $("empty").hidden = state !== "empty";
    $("task").hidden = !["loading", "ready", "sending"].includes(state) || !this.desk.task;
    $("editor-frame").classList.toggle("locked", state !== "ready");
    $("editor-frame").inert = state !== "ready";
    this.offer();
  }

  /** Which buttons may be pressed, and why not. */
  offer() {
    const { ready } = this;
    const { editor, player, strip } = this.desk;
    const { state } = this.page.dataset;
    const n = ready ? editor.regions().length : 0;
    for (const id of ["mark", "skip", "zoom-in", "zoom-out", "zoom-all"]) $(id).disabled = !ready;
    for (const id of ["play", "loop"]) $(id).disabled = !player.duration || state === "sending";
    $("skip").disabled ||= Boolean(this.desk.task?.answer); // what is answered can be changed, not given up
    for (const field of $("region-add").elements) field.disabled = !ready;
    $("mark-selection").disabled = !ready || !strip.selection;
    $("undo").disabled = !ready || !editor.canUndo;
    $("redo").disabled = !ready || !editor.canRedo;
    $("submit").disabled = !ready || (n === 0 && !this.desk.halfMade.things().length);
    $("nothing").disabled = !ready || n > 0;
    $("loop").setAttribute("aria-pressed", String(player.loop !== null));
    say("play-label", player.playing ? "Pause" : "Play");
    if (state === "sending") say("nothing-hint", "Sending your answer …");
    else if (!ready) say("nothing-hint", "");
    else if (n > 0) say("nothing-hint", "“Nothing wrong here” is for clips without marks: delete the marks to use it.");
    else say("nothing-hint", "No marks yet. If nothing sounds in the vocals while nobody sings, say “Nothing wrong here”.");
  }

  marking() {
    const { from } = this.desk.marking;
    $("mark-label").textContent = from === null ? "Hold to mark" : `Marking from ${from.toFixed(1)} s`;
    $("mark").setAttribute("aria-pressed", String(from !== null));
  }

  /** Every button shows its key. */
  keys() {
    for (const element of document.querySelectorAll("[data-key]")) element.textContent = this.keymap.keys(element.dataset.key)[0] ?? "";
  }

  heard() {
    const { heard, player } = this.desk;
    const share = heard.share(player.duration);
    const missing = heard.missing(player.duration);
    const rest = missing.map(([start, end]) => `${clock(start)}–${clock(end)}`).join(", ");
    const enough = share >= ENOUGH;
    say("heard", player.duration ? `Heard ${Math.floor(share * 100)} % of the vocals${enough ? "" : `; still to hear: ${rest}`}` : "");
    $("heard").classList.toggle("muted", enough);
    $("play-missing").hidden = enough || !player.duration;
  }

  /** How far one is, as the server said; null: nothing is left. */
  progress(known) {
    this.#progress = known ?? null;
    this.waiting(0);
  }

  /** `n` answers wait for the network; `arrived` more have reached the server. */
  waiting(n, arrived = 0) {
    if (!this.#progress) return say("progress", "");
    this.#progress = { done: this.#progress.done + arrived, open: Math.max(0, this.#progress.open - arrived) };
    const { done, open } = this.#progress;
    say("progress", `${done} answered · ${open} open${n ? ` · ${n} not sent yet` : ""}`);
  }
}
