// The list of keys: shows them, changes them, and measures how long somebody takes to react.
import { PRESETS, nameOf } from "./keymap.js";
import { $ } from "./messages.js";

const TONES = 6;

export class Help {
  #waiting = null; // the action whose new key is awaited

  /** `reaction` is {get(), set(seconds)}; `context` the audio context; `shown` is called when keys have changed. */
  constructor(keymap, { context, reaction, shown }) {
    Object.assign(this, { keymap, context, reaction, shown });
    for (const [value, label] of Object.entries(PRESETS)) $("keys-preset").append(new Option(label, value));
    $("keys-preset").addEventListener("change", (event) => {
      this.#waiting = null;
      keymap.use(event.target.value);
      this.show();
      $("keys-state").textContent = "";
    });
    $("help-open").addEventListener("click", () => this.open());
    $("help").addEventListener("keydown", (event) => this.#key(event), { capture: true });
    $("help").addEventListener("close", () => (this.#waiting = null));
    $("reaction-measure").addEventListener("click", () => this.#measure());
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

  #row(action, does) {
    const row = document.createElement("tr");
    const [keys, text, change] = [document.createElement("td"), document.createElement("td"), document.createElement("td")];
    for (const name of this.keymap.keys(action)) {
      const key = document.createElement("kbd");
      key.textContent = name;
      keys.append(key, " ");
    }
    text.textContent = does;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Change";
    button.setAttribute("aria-label", `Change the key for: ${does}`);
    button.addEventListener("click", () => {
      this.#waiting = action;
      button.textContent = "Press a key …";
    });
    row.dataset.action = action;
    change.append(button);
    row.append(keys, text, change);
    return row;
  }

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
    $("keys-rows").querySelector(`[data-action=${action}] button`).focus();
  }

  /** What a change did, also to the action that had the key before. */
  #said(action, key, loser) {
    const does = (name) => this.keymap.actions.find(([one]) => one === name)[1];
    const now = `${key} now does: ${does(action)}.`;
    if (!loser) return now;
    const left = this.keymap.keys(loser);
    return `${now} It did: ${does(loser)}, which has ${left.length ? `${left.join(" and ")} left` : "no key now"}.`;
  }

  #showReaction() {
    $("reaction").textContent = `${this.reaction.get().toFixed(2)} s`;
  }

  /** Six tones at uneven times; the median of how late they are answered. */
  async #measure() {
    const { context } = this;
    const tell = (text) => ($("reaction-state").textContent = text);
    await context.resume();
    const button = $("reaction-measure");
    button.disabled = true;
    const pad = $("reaction-pad");
    pad.hidden = false;
    pad.focus();
    const late = [];
    for (let n = 0; n < TONES && $("help").open; n += 1) {
      tell(`Press any key (or the button) as soon as you hear the tone: ${n + 1} of ${TONES}`);
      const at = context.currentTime + 0.8 + Math.random() * 1.4;
      this.#tone(at);
      const heard = performance.now() + (at - context.currentTime + (context.outputLatency || 0)) * 1000;
      const answered = await this.#answer(pad, heard + 1500);
      if (answered !== null) late.push((answered - heard) / 1000);
    }
    button.disabled = false;
    pad.hidden = true;
    const real = late.filter((one) => one > 0.08).sort((a, b) => a - b); // quicker is a guess
    if (real.length < TONES / 2) return tell("Too few answers to tell; the time stays as it was.");
    this.reaction.set(real[Math.floor(real.length / 2)]);
    this.#showReaction();
    tell("Measured. It is taken off when you hold the key that marks.");
    button.focus();
  }

  #tone(at) {
    const tone = new OscillatorNode(this.context, { frequency: 880 });
    const level = new GainNode(this.context, { gain: 0.2 });
    tone.connect(level).connect(this.context.destination);
    tone.start(at);
    tone.stop(at + 0.15);
  }

  /** When the pad is pressed or any key goes down, performance time; null when nothing came until `end`. */
  #answer(pad, end) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(null), end - performance.now());
      const pressed = (event) => {
        if (event.key === "Escape" || event.key === "Tab" || event.repeat) return;
        event.preventDefault();
        done(event.timeStamp);
      };
      const done = (at) => {
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
