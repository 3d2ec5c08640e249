// @ts-check
// Clips made ready to play: fetched, decoded, levelled, once each; what is not needed any more is forgotten.
import { asTheEditorAsks } from "./editor.js";
import { equalLevels } from "./loudness.js";
import { STEMS } from "./player.js";
import { root } from "./site.js";
import { gettext } from "./words.js";

/** @param {string} url */
async function bytes(url) {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(gettext("The audio of this clip could not be loaded."));
  return response.arrayBuffer();
}

/** @param {string} url */
async function picture(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

export class Clips {
  /** @type {Map<number, Promise<Clip>>} */
  #made = new Map();

  /** @param {AudioContext} context */
  constructor(context) {
    this.context = context;
  }

  /**
   * A clip of a task as the server gave it, here as soon as its stem `first` can be heard: on a slow line that is a third of the
   * bytes. `whole` is a promise of the others, the levels, and `picture`: a promise of an image or null.
   * @param {{ task: { id: number, data?: Record<string, string> }, duration: number, picture?: string }} given
   * @returns {Promise<Clip>}
   */
  get({ task, duration, picture: at }, first = STEMS[0]) {
    const known = this.#made.get(task.id);
    if (known) return known;
    const made = this.#make(task, duration, first, at);
    const forget = () => this.#made.delete(task.id); // tried again when asked again
    made.then((clip) => clip.whole).catch(forget);
    this.#made.set(task.id, made);
    return made;
  }

  /** Forget all but these tasks. @param {number[]} ids */
  only(ids) {
    for (const id of this.#made.keys()) if (!ids.includes(id)) this.#made.delete(id);
  }

  /**
   * @param {{ id: number, data?: Record<string, string> }} task
   * @param {number} duration
   * @param {Stem} first
   * @param {string} [at]  of the picture, where it is not the task's
   */
  async #make({ id, data = {} }, duration, first, at = `${root}media/tasks/${id}/${STEMS[0]}.png`) {
    /** @type {Clip} */
    const clip = { duration, buffers: {}, levels: {}, whole: Promise.resolve(), picture: Promise.resolve(null) };
    /** @param {Stem} stem */
    const fetchStem = async (stem) => {
      const url = data[stem] ? asTheEditorAsks(data[stem]) : `${root}media/tasks/${id}/${stem}.ogg`;
      clip.buffers[stem] = await this.context.decodeAudioData(await bytes(url));
    };
    await fetchStem(first);
    clip.whole = Promise.all(STEMS.filter((stem) => stem !== first).map(fetchStem)).then(async () => {
      clip.picture = picture(at).catch(() => null); // after the sound: nobody waits for it
      clip.levels = await equalLevels(clip.buffers);
    });
    return clip;
  }
}
