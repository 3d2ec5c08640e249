// @ts-check
// Clips of quick questions: what was extracted, fetched and decoded once each. `Ahead` keeps the next ones by this.
import { root } from "../shared/site.js";
import { gettext } from "../shared/words.js";

export class QuickClips {
  /** @type {Map<number, Promise<{ buffer: AudioBuffer, whole: Promise<void> }>>} */
  #made = new Map();

  /** @param {AudioContext} context  @param {string} stem */
  constructor(context, stem) {
    this.context = context;
    this.stem = stem;
  }

  /** @param {{ task: { id: number } }} given */
  get({ task: { id } }) {
    const known = this.#made.get(id);
    if (known) return known;
    const made = this.#make(id);
    made.catch(() => this.#made.delete(id)); // tried again when asked again
    this.#made.set(id, made);
    return made;
  }

  /** Forget all but these tasks. @param {number[]} ids */
  only(ids) {
    for (const id of this.#made.keys()) if (!ids.includes(id)) this.#made.delete(id);
  }

  /** @param {number} id */
  async #make(id) {
    const response = await fetch(`${root}media/tasks/${id}/${this.stem}.ogg`, { credentials: "same-origin" });
    if (!response.ok) throw new Error(gettext("The audio of this clip could not be loaded."));
    return { buffer: await this.context.decodeAudioData(await response.arrayBuffer()), whole: Promise.resolve() };
  }
}
