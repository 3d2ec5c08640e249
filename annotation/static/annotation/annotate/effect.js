// @ts-check
// What the marks of a clip that was just answered change, to be heard beside the work: asked for, ready some seconds later.
import { InStep } from "../shared/in_step.js";
import { $ } from "../shared/elements.js";
import { announce } from "../shared/messages.js";
import { saidOf, wish } from "../shared/wish.js";
import { gettext } from "../shared/words.js";

export class Effect {
  /** The clip that was answered last, as far as it is offered for it. @type {number | null} */
  #offered = null;
  /** The one that was asked for and not heard yet. @type {number | null} */
  #asked = null;
  /** @type {import("../shared/wish.js").EffectState} */
  #said = { state: "none" };
  /** @type {InStep | null} */
  #heard = null;

  /** @param {AudioContext} context  @param {() => void} silence  what plays meanwhile */
  constructor(context, silence) {
    this.context = context;
    this.silence = silence;
    $("effect-open").addEventListener("click", () => this.open());
    $("effect").addEventListener("close", () => this.#closed());
    this.#offer();
  }

  /** An answer was kept; `offers`: what its marks change can be heard. What was asked for before stays until it is heard. @param {number} task  @param {boolean} offers */
  answered(task, offers) {
    this.#offered = offers ? task : null;
    this.#offer();
  }

  open() {
    const vain = ["busy", "failed"].includes(this.#said.state);
    const task = vain ? (this.#offered ?? this.#asked) : (this.#asked ?? this.#offered);
    if (task === null || $("effect").open) return;
    this.silence();
    $("effect").showModal();
    if (this.#asked === null || vain) this.#ask(task);
    else this.#show();
  }

  /** @param {number} task */
  #ask(task) {
    this.#asked = task;
    this.#said = { state: "waiting" };
    this.#show();
    void wish(task, (said) => {
      if (this.#asked !== task) return;
      this.#said = said;
      if (said.state === "made" && !$("effect").open) announce(gettext("What your marks change can be heard now."));
      this.#show();
    }, () => this.#asked === task);
  }

  #show() {
    $("effect-said").textContent = saidOf(this.#said.state);
    if (this.#said.state === "made" && this.#said.html && !this.#heard) {
      $("effect-sounds").innerHTML = this.#said.html;
      const sounds = /** @type {HTMLElement | null} */ ($("effect-sounds").querySelector("[data-in-step]"));
      if (sounds) this.#heard = new InStep(sounds, this.context, $("effect"));
    }
    this.#offer();
  }

  /** Heard once, it makes room for that of the clip that was answered last. */
  #closed() {
    if (this.#said.state !== "made") return;
    this.#heard?.end();
    this.#heard = null;
    $("effect-sounds").replaceChildren();
    if (this.#offered === this.#asked) this.#offered = null;
    this.#asked = null;
    this.#said = { state: "none" };
    this.#offer();
  }

  #offer() {
    const ready = this.#said.state === "made";
    $("effect-open").disabled = this.#asked === null && this.#offered === null;
    $("effect-open").classList.toggle("primary", ready);
    $("effect-ready").hidden = !ready;
  }
}
