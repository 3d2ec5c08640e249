// Clips made ready to play: fetched, decoded, levelled, once each; what is not needed any more is forgotten.
import { equalLevels } from "./loudness.js";
import { STEMS } from "./player.js";

async function bytes(url) {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error("The audio of this clip could not be loaded.");
  return response.arrayBuffer();
}

async function picture(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

export class Clips {
  #made = new Map();

  constructor(context) {
    this.context = context;
  }

  /** {duration, buffers, levels, picture: a promise of an image or null} of a task as the server gave it. */
  get({ task, duration }) {
    if (!this.#made.has(task.id)) {
      const made = this.#make(task.id, duration);
      made.catch(() => this.#made.delete(task.id)); // tried again when asked again
      this.#made.set(task.id, made);
    }
    return this.#made.get(task.id);
  }

  /** Forget all but these tasks. */
  only(ids) {
    for (const id of this.#made.keys()) if (!ids.includes(id)) this.#made.delete(id);
  }

  async #make(id, duration) {
    const decoded = await Promise.all(STEMS.map(async (stem) => this.context.decodeAudioData(await bytes(`/media/tasks/${id}/${stem}.ogg`))));
    const buffers = Object.fromEntries(STEMS.map((stem, n) => [stem, decoded[n]]));
    // After the sound: nobody waits for it.
    const drawn = picture(`/media/tasks/${id}/vocals.png`).catch(() => null);
    return { duration, buffers, levels: await equalLevels(buffers), picture: drawn };
  }
}
