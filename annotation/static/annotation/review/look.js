// @ts-check
// How the review page looks while one works: which buttons may be pressed, and what is said of the decision and of the clip.
import { $ } from "../shared/elements.js";
import { Look } from "../shared/look.js";
import { say } from "../shared/messages.js";

/** What accepting would mean: on the button, and beside the decision. @type {Record<string, (number?: number) => [string, string]>} */
const LABELS = {
  accept: () => ["Accept the consensus", "as the consensus says"],
  take: (number) => [`Accept Person ${number}'s answer`, `as Person ${number} says`],
  edit: () => ["Accept your edit", "edited"],
};

export class ReviewLook extends Look {
  /** @param {HTMLElement} page  @param {import("./desk.js").ReviewDesk} desk */
  constructor(page, desk) {
    super(page, desk);
    this.desk = desk;
  }

  /** @param {string} state  loading | ready (to be decided) | decided | open (answers are awaited) | sending */
  show(state) {
    this.page.dataset.state = state;
    this.desk.editor.locked = state !== "ready";
    this.offer();
  }

  offer() {
    const { shown, player, edited, verdict } = this.desk;
    if (!shown) return;
    super.offer();
    const { state, ready } = this;
    for (const id of /** @type {const} */ (["play", "loop", "zoom-in", "zoom-out", "zoom-all"])) $(id).disabled = !player.duration;
    $("opposite").disabled = !ready;
    $("opposite").setAttribute("aria-pressed", String(this.desk.missing));
    $("mark").disabled = !ready || !player.duration;
    for (const field of $("regions-rows").querySelectorAll("input")) field.disabled = !ready;
    for (const button of $("regions-rows").querySelectorAll("button")) button.disabled = !ready && button.textContent !== "Play";
    $("reset").disabled = !ready || !edited;
    for (const id of /** @type {const} */ (["submit", "send-back"])) {
      $(id).hidden = !["ready", "sending"].includes(state);
      $(id).disabled = !ready;
    }
    $("undo-decision").hidden = state !== "decided" || !shown.may_undo;
    $("next").disabled = !shown.next;
    const [label, is] = LABELS[verdict.kind](verdict.number);
    say("submit-label", state === "sending" ? "Sending …" : label);
    say("decision-is", state === "decided" ? "decided" : state === "open" ? "" : is);
    say("hint", this.#hint(shown));
  }

  /** @param {ShownReview} shown */
  #hint({ crowd, history, next }) {
    if (this.state === "open") return "Sent back: it waits for more answers, and nobody sees the others' until they are there.";
    if (this.state === "ready") return crowd ? "" : "Nobody's answers are left to agree on: draw your own, or send the clip back.";
    if (this.state !== "decided") return "";
    const who = history.find(({ after }) => after)?.who ?? "a reviewer";
    return `Decided${history.length ? ` by ${who}` : ""}. ${next ? "" : "No other clip waits."}`;
  }
}
