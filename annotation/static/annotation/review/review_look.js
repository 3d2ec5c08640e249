// How the review page looks while one works: which buttons may be pressed, and what is said of the decision and of the clip.
import { $, say } from "../shared/messages.js";

const LABELS = {
  accept: () => ["Accept the consensus", "as the consensus says"],
  take: (number) => [`Accept Person ${number}'s answer`, `as Person ${number} says`],
  edit: () => ["Accept your edit", "edited"],
};

export class ReviewLook {
  /**
   * `desk` is what lies before the reviewer: player, strip, marking, editor (the decision), shown (the review as the server gave it),
   * edited, and verdict: {kind, number}, what the decision would be, and whose.
   */
  constructor(page, desk, keymap) {
    Object.assign(this, { page, desk, keymap });
  }

  /** loading | ready (to be decided) | decided | open (answers are awaited) | sending | stopped */
  get state() {
    return this.page.dataset.state;
  }

  get ready() {
    return this.state === "ready";
  }

  show(state) {
    this.page.dataset.state = state;
    this.desk.editor.locked = state !== "ready";
    this.offer();
  }

  offer() {
    const { shown, player, strip, editor, edited, verdict } = this.desk;
    if (!shown) return;
    const { state, ready } = this;
    for (const id of ["play", "loop", "zoom-in", "zoom-out", "zoom-all"]) $(id).disabled = !player.duration;
    $("mark").disabled = !ready || !player.duration;
    for (const field of $("region-add").elements) field.disabled = !ready;
    for (const field of $("regions-rows").querySelectorAll("input, button")) field.disabled = !ready && !field.textContent.startsWith("Play");
    $("mark-selection").disabled = !ready || !strip.selection;
    $("reset").disabled = !ready || !edited;
    $("undo").disabled = !editor.canUndo;
    $("redo").disabled = !editor.canRedo;
    $("loop").setAttribute("aria-pressed", String(player.loop !== null));
    say("play-label", player.playing ? "Pause" : "Play");
    for (const id of ["submit", "send-back"]) $(id).hidden = !["ready", "sending"].includes(state);
    for (const id of ["submit", "send-back"]) $(id).disabled = !ready;
    $("undo-decision").hidden = state !== "decided" || !shown.may_undo;
    $("next").disabled = !shown.next;
    const [label, is] = LABELS[verdict.kind](verdict.number);
    say("submit-label", state === "sending" ? "Sending …" : label);
    say("decision-is", state === "decided" ? "decided" : state === "open" ? "" : is);
    const hints = {
      ready: shown.crowd ? "" : "Nobody's answers are left to agree on: draw your own, or send the clip back.",
      decided: `Decided${shown.history[0] ? ` by ${shown.history.find(({ after }) => after)?.who ?? "a reviewer"}` : ""}. ${shown.next ? "" : "No other clip waits."}`,
      open: "Sent back: it waits for more answers, and nobody sees the others' until they are there.",
    };
    say("hint", hints[state] ?? "");
  }

  marking() {
    const { from } = this.desk.marking;
    $("mark-label").textContent = from === null ? "Hold to mark" : `Marking from ${from.toFixed(1)} s`;
    $("mark").setAttribute("aria-pressed", String(from !== null));
  }

  keys() {
    for (const element of document.querySelectorAll("[data-key]")) element.textContent = this.keymap.keys(element.dataset.key)[0] ?? "";
  }
}
