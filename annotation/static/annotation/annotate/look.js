// @ts-check
// How the annotate page looks while one works: which buttons may be pressed, what has been heard, how far one is.
import { $ } from "../shared/elements.js";
import { Look } from "../shared/look.js";
import { announce, say, stillToHear } from "../shared/messages.js";
import { rules } from "../shared/rules.js";
import { gettext } from "../shared/words.js";

export class AnnotateLook extends Look {
  /** @type {{ done: number, open: number } | null} as far as the server knows */
  #progress = null;
  #enough = true; // as far as it was announced
  #worked = false; // whether a task lies there, which the next one follows without a gap

  /** @param {HTMLElement} page  @param {import("./desk.js").AnnotateDesk} desk */
  constructor(page, desk) {
    super(page, desk);
    this.desk = desk;
  }

  /** @param {"loading" | "ready" | "sending" | "empty" | "stopped"} state */
  show(state) {
    this.page.dataset.state = state;
    this.#worked = state === "ready" || (this.#worked && ["sending", "loading"].includes(state));
    $("waiting").hidden = state !== "loading" || this.#worked;
    $("empty").hidden = state !== "empty";
    $("task").hidden = !["loading", "ready", "sending"].includes(state) || !(this.desk.task || this.#worked);
    $("editor-frame").classList.toggle("locked", state !== "ready");
    $("editor-frame").inert = state !== "ready";
    const again = document.getElementById("asked-again"); // of one clip alone
    if (again && state === "ready") again.hidden = again.dataset.task !== String(this.desk.task?.id);
    this.offer();
  }

  offer() {
    super.offer();
    const { ready, state } = this;
    const { editor, player, task } = this.desk;
    const n = (ready && editor?.regions().length) || 0;
    for (const id of /** @type {const} */ (["mark", "skip", "note-open", "zoom-in", "zoom-out", "zoom-all"])) $(id).disabled = !ready;
    for (const id of /** @type {const} */ (["play", "loop"])) $(id).disabled = !player.duration || state === "sending";
    $("opposite").setAttribute("aria-pressed", String(this.desk.missing));
    this.desk.proposals.show(ready);
    $("skip").disabled ||= Boolean(task?.answer); // what is answered can be changed, not given up
    $("submit").disabled = !ready || (n === 0 && !this.desk.halfMade.things().length);
    $("nothing").disabled = !ready || n > 0;
    if (state === "sending") say("nothing-hint", gettext("Sending your answer …"));
    else if (!ready) say("nothing-hint", state === "loading" ? gettext("Getting the next clip …") : "");
    else if (n > 0) say("nothing-hint", gettext("“Nothing wrong here” is for clips without marks: delete the marks to use it."));
    else say("nothing-hint", gettext("No marks yet. If nothing sounds in %(the)s while %(rests)s, say “Nothing wrong here”.", { ...rules.words }));
  }

  heard() {
    const { heard, player } = this.desk;
    const enough = heard.isEnough(player.duration);
    const rest = enough ? "" : `; ${gettext("still to hear: %(times)s", { times: stillToHear(heard.missing(player.duration)) })}`;
    if (enough && !this.#enough && player.duration) announce(gettext("Heard enough: an answer counts now."));
    this.#enough = enough;
    say("heard", player.duration ? gettext("Heard %(percent)s % of %(the)s", { percent: Math.floor(heard.share(player.duration) * 100), the: rules.words.the }) + rest : "");
    $("heard").classList.toggle("muted", enough);
    $("play-missing").hidden = enough || !player.duration;
  }

  /** How far one is, as the server said; null: nothing is left. @param {{ done: number, open: number } | null} known */
  progress(known) {
    this.#progress = known ?? null;
    this.waiting(0);
  }

  /** `n` answers wait for the network; `arrived` more have reached the server. @param {number} n */
  waiting(n, arrived = 0) {
    if (!this.#progress) return say("progress", "");
    this.#progress = { done: this.#progress.done + arrived, open: Math.max(0, this.#progress.open - arrived) };
    const { done, open } = this.#progress;
    say("progress", gettext("%(done)s answered · %(open)s open", { done, open }) + (n ? ` · ${gettext("%(n)s not sent yet", { n })}` : ""));
  }
}
