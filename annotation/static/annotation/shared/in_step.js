// @ts-check
// Sounds of one clip in step, on one clock: one key goes from what was heard to what became of it, and back.
import { Player } from "./player.js";
import { gettext, written } from "./words.js";

const BEFORE = "before";
const WATCH = 100; // ms

export class InStep {
  /** The one that is compared with what was heard. */
  #other = "";
  /** @type {Promise<void> | null} */
  #loading = null;

  /** @param {HTMLElement} root  of `parts/in_step.html`  @param {AudioContext} context  @param {HTMLElement | Document} keys  where keys are pressed */
  constructor(root, context, keys = document) {
    this.root = root;
    this.player = new Player(context, { changed: () => this.#show() });
    this.player.equalLoudness = false; // how much quieter it is, is what is to be heard
    this.player.stem = BEFORE;
    this.#other = this.#names().find((name) => name !== BEFORE) ?? BEFORE;
    const stop = new AbortController();
    const { signal } = stop;
    this.stop = stop;
    root.addEventListener("change", ({ target }) => target instanceof HTMLInputElement && this.listen(target.value), { signal });
    (root.parentElement ?? root).addEventListener("click", ({ target }) => this.#pressed(target), { signal });
    keys.addEventListener("keydown", (event) => event instanceof KeyboardEvent && this.#key(event), { signal });
    const timer = setInterval(() => this.#tick(), WATCH);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Be silent, and listen for nothing any more. */
  end() {
    this.player.pause();
    this.stop.abort();
  }

  /** @param {string} name  of the sound that is heard from now on */
  listen(name) {
    if (name !== BEFORE) this.#other = name;
    this.player.listen(name);
    for (const choice of this.#choices()) choice.checked = choice.value === name;
    /** @type {HTMLElement} */ (this.root.querySelector("[data-said]")).textContent = this.#choices().find(({ value }) => value === name)?.parentElement?.textContent?.trim() ?? "";
  }

  /** From what was heard to what became of it, and back. */
  change() {
    this.listen(this.player.stem === BEFORE ? this.#other : BEFORE);
  }

  async toggle() {
    await this.#load();
    this.player.toggle();
  }

  /** @param {number} start  @param {number} end */
  async playRange(start, end) {
    await this.#load();
    this.player.playRange(start, end);
  }

  #choices() {
    return [.../** @type {NodeListOf<HTMLInputElement>} */ (this.root.querySelectorAll("input[name=in-step]"))];
  }

  #names() {
    return this.#choices().map(({ value }) => value);
  }

  /** @param {EventTarget | null} target */
  #pressed(target) {
    const button = target instanceof Element && target.closest("button");
    if (!button) return;
    if (button.dataset.play !== undefined) void this.toggle();
    else if (button.dataset.switch !== undefined) this.change();
    else if (button.dataset.from) void this.playRange(Number(button.dataset.from), Number(button.dataset.to));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.target instanceof Element && event.target.closest("textarea, select, input:not([type=radio])")) return;
    const key = event.key.toUpperCase();
    if (key === "X" && this.root.querySelector("[data-switch]")) this.change();
    else if (key === "P") void this.toggle();
    else return;
    event.preventDefault();
  }

  /** All of them, once: in step they can only be when all are there. */
  #load() {
    this.#loading ??= this.#fetch().catch((error) => {
      this.#loading = null; // tried again with the next press
      throw error;
    });
    return this.#loading.catch(() => this.#tell(gettext("The audio of this clip could not be loaded.")));
  }

  async #fetch() {
    const { context } = this.player;
    const known = this.player.stem;
    const decoded = await Promise.all(this.#choices().map(async ({ value, dataset }) => {
      const response = await fetch(dataset.src ?? "", { credentials: "same-origin" });
      if (!response.ok) throw new Error(String(response.status));
      return /** @type {const} */ ([value, await context.decodeAudioData(await response.arrayBuffer())]);
    }));
    this.player.load({ duration: Number(this.root.dataset.length), buffers: Object.fromEntries(decoded), levels: {} });
    this.player.listen(known);
  }

  #show() {
    this.root.querySelector("[data-play]")?.setAttribute("aria-pressed", String(this.player.playing));
  }

  #tick() {
    if (this.player.duration) this.#tell(`${written(this.player.time, 1)} / ${written(this.player.duration, 1)} s`);
  }

  /** @param {string} text */
  #tell(text) {
    const clock = this.root.querySelector("[data-clock]");
    if (clock && clock.textContent !== text) clock.textContent = text;
  }
}
