// @ts-check
// How a page looks while one listens and marks, as far as it is the same for annotators and reviewers.
import { $ } from "./elements.js";
import { shownKey } from "./keymap.js";
import { say } from "./messages.js";
import { gettext, written } from "./words.js";

/** @abstract */
export class Look {
  /** `page` is the element that holds the state. @param {HTMLElement} page  @param {import("./desk.js").Desk} desk */
  constructor(page, desk) {
    this.page = page;
    this.desk = desk;
  }

  get state() {
    return this.page.dataset.state ?? "";
  }

  get ready() {
    return this.state === "ready";
  }

  /** Which buttons may be pressed, and why not. */
  offer() {
    const { ready } = this;
    const { editor, player, strip } = this.desk;
    for (const field of $("region-add").elements) /** @type {HTMLInputElement} */ (field).disabled = !ready;
    $("mark-selection").disabled = !ready || !strip.selection;
    $("undo").disabled = !ready || !editor?.canUndo;
    $("redo").disabled = !ready || !editor?.canRedo;
    $("loop").setAttribute("aria-pressed", String(player.loop !== null));
    $("select-tool").setAttribute("aria-pressed", String(strip.selects));
    $("mute").setAttribute("aria-pressed", String(player.muted));
    say("play-label", player.playing ? gettext("Pause") : gettext("Play"));
  }

  /** The mark in the making. */
  marking() {
    const { from } = this.desk.marking;
    $("mark-label").textContent = from === null ? gettext("Hold to mark") : gettext("Marking from %(time)s s", { time: written(from, 2) });
    $("mark").setAttribute("aria-pressed", String(from !== null));
  }

  /** Every button shows its key. */
  keys() {
    /** @type {NodeListOf<HTMLElement>} */
    const places = document.querySelectorAll("[data-key]");
    for (const place of places) place.textContent = shownKey(this.desk.keymap.keys(place.dataset.key ?? "")[0] ?? "");
  }
}
