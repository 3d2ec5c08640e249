// Clips made ready to play: fetched, decoded, levelled, once each; what is not needed any more is forgotten.
import { asTheEditorAsks } from "./editor.js";
import { equalLevels } from "./loudness.js";
import { STEMS } from "./player.js";
import { root } from "./site.js";

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

  /**
   * A clip {duration, buffers, levels, whole} of a task as the server gave it, here as soon as its stem `first` can be heard: on a
   * slow line that is a third of the bytes. `whole` is a promise of the others, the levels, and `picture`: a promise of an image or null.
   */
  get({ task, duration }, first = STEMS[0]) {
    if (!this.#made.has(task.id)) {
      const made = this.#make(task, duration, first);
      const forget = () => this.#made.delete(task.id); // tried again when asked again
      made.then((clip) => clip.whole).catch(forget);
      this.#made.set(task.id, made);
    }
    return this.#made.get(task.id);
  }

  /** Forget all but these tasks. */
  only(ids) {
    for (const id of this.#made.keys()) if (!ids.includes(id)) this.#made.delete(id);
  }

  async #make({ id, data = {} }, duration, first) {
    const clip = { duration, buffers: {}, levels: {}, picture: Promise.resolve(null) };
    const fetchStem = async (stem) => {
      const url = data[stem] ? asTheEditorAsks(data[stem]) : `${root}media/tasks/${id}/${stem}.ogg`;
      clip.buffers[stem] = await this.context.decodeAudioData(await bytes(url));
    };
    await fetchStem(first);
    clip.whole = Promise.all(STEMS.filter((stem) => stem !== first).map(fetchStem)).then(async () => {
      clip.picture = picture(`${root}media/tasks/${id}/vocals.png`).catch(() => null); // after the sound: nobody waits for it
      clip.levels = await equalLevels(clip.buffers);
    });
    return clip;
  }
}
