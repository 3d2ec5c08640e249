// @ts-check
// The list of keys: shows them, changes them, and measures how long somebody takes to react.
import { $, button, element } from "./elements.js";
import { PRESETS, nameOf, shownKey } from "./keymap.js";
import { gettext, written } from "./words.js";

const TONES = 6;

export class Help {
  /** @type {string | null} the action whose new key is awaited */
  #waiting = null;

  /**
   * `shown` is called when keys have changed.
   * @param {import("./keymap.js").Keymap} keymap
   * @param {{ context: AudioContext, reaction: { get: () => number, set: (seconds: number) => void }, shown: () => void }} about
   */
  constructor(keymap, { context, reaction, shown }) {
    this.keymap = keymap;
    this.context = context;
    this.reaction = reaction;
    this.shown = shown;
    for (const [value, label] of Object.entries(PRESETS)) $("keys-preset").append(new Option(label, value));
    $("keys-preset").addEventListener("change", () => {
      this.#waiting = null;
      keymap.use($("keys-preset").value);
      this.show();
      $("keys-state").textContent = "";
    });
    $("help-open").addEventListener("click", () => this.open());
    $("help").addEventListener("keydown", (event) => this.#key(event), { capture: true });
    $("help").addEventListener("close", () => (this.#waiting = null));
    $("reaction-measure").addEventListener("click", () => void this.#measure());
    this.show();
  }

  open() {
    this.show();
    $("help").showModal();
  }

  show() {
    $("keys-preset").value = this.keymap.preset;
    $("keys-rows").replaceChildren(...this.keymap.actions.map(([action, does]) => this.#row(action, does)));
    this.#showReaction();
    this.shown();
  }

  /** @param {string} action  @param {string} does */
  #row(action, does) {
    const [row, keys, cell] = [element("tr"), element("td"), element("td")];
    for (const name of this.keymap.keys(action)) keys.append(element("kbd", "", shownKey(name)), " ");
    const change = button(gettext("Change"), () => {
      this.#waiting = action;
      change.textContent = gettext("Press a key …");
    });
    change.setAttribute("aria-label", gettext("Change the key for: %(does)s", { does }));
    row.dataset.action = action;
    cell.append(change);
    row.append(keys, element("td", "", does), cell);
    return row;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const action = this.#waiting;
    const name = nameOf(event);
    if (!action || !name) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#waiting = null;
    const changed = name !== "Escape" && name !== "Tab";
    const loser = changed ? this.keymap.change(action, name) : undefined;
    this.show();
    $("keys-state").textContent = changed ? this.#said(action, name, loser) : "";
    /** @type {HTMLElement | null} */ ($("keys-rows").querySelector(`[data-action=${action}] button`))?.focus();
  }

  /** What a change did, also to the action that had the key before. @param {string} action  @param {string} key  @param {string} [loser] */
  #said(action, key, loser) {
    const does = (/** @type {string} */ name) => this.keymap.actions.find(([one]) => one === name)?.[1];
    const now = gettext("%(key)s now does: %(does)s.", { key: shownKey(key), does: does(action) });
    if (!loser) return now;
    const left = this.keymap.keys(loser);
    return `${now} ${left.length ? gettext("It did: %(does)s, which has %(keys)s left.", { does: does(loser), keys: left.map(shownKey).join(gettext(" and ")) }) : gettext("It did: %(does)s, which has no key now.", { does: does(loser) })}`;
  }

  #showReaction() {
    $("reaction").textContent = `${written(this.reaction.get(), 2)} s`;
  }

  /** Six tones at uneven times; the median of how late they are answered. */
  async #measure() {
    const { context } = this;
    const tell = (/** @type {string} */ text) => ($("reaction-state").textContent = text);
    await context.resume();
    const measure = $("reaction-measure");
    measure.disabled = true;
    const pad = $("reaction-pad");
    pad.hidden = false;
    pad.focus();
    const late = [];
    for (let n = 0; n < TONES && $("help").open; n += 1) {
      tell(gettext("Press any key (or the button) as soon as you hear the tone: %(n)s of %(all)s", { n: n + 1, all: TONES }));
      const at = context.currentTime + 0.8 + Math.random() * 1.4;
      this.#tone(at);
      const heard = performance.now() + (at - context.currentTime + (context.outputLatency || 0)) * 1000;
      const answered = await this.#answer(pad, heard + 1500);
      if (answered !== null) late.push((answered - heard) / 1000);
    }
    measure.disabled = false;
    pad.hidden = true;
    const real = late.filter((one) => one > 0.08).sort((a, b) => a - b); // quicker is a guess
    if (real.length < TONES / 2) return tell(gettext("Too few answers to tell; the time stays as it was."));
    this.reaction.set(real[Math.floor(real.length / 2)]);
    this.#showReaction();
    tell(gettext("Measured. It is taken off when you hold the key that marks."));
    measure.focus();
  }

  /** @param {number} at */
  #tone(at) {
    const tone = new OscillatorNode(this.context, { frequency: 880 });
    const level = new GainNode(this.context, { gain: 0.2 });
    tone.connect(level).connect(this.context.destination);
    tone.start(at);
    tone.stop(at + 0.15);
  }

  /**
   * When the pad is pressed or any key goes down, performance time; null when nothing came until `end`.
   * @param {HTMLElement} pad
   * @param {number} end
   * @returns {Promise<number | null>}
   */
  #answer(pad, end) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(null), end - performance.now());
      const pressed = (/** @type {KeyboardEvent | PointerEvent} */ event) => {
        if (event instanceof KeyboardEvent && (event.key === "Escape" || event.key === "Tab" || event.repeat)) return;
        event.preventDefault();
        done(event.timeStamp);
      };
      const done = (/** @type {number | null} */ at) => {
        clearTimeout(timer);
        pad.removeEventListener("pointerdown", pressed);
        pad.removeEventListener("keydown", pressed);
        resolve(at);
      };
      pad.addEventListener("pointerdown", pressed);
      pad.addEventListener("keydown", pressed);
    });
  }
}
