// @ts-check
// Label Studio's editor behind the few verbs that our page needs. Whatever is not its documented interface stays in this file.
//
// It draws; it does not play. Its players are told where our player stands, and what it would do to them goes to ours.

import { asResult } from "./results.js";
import { rules } from "./rules.js";
import { allowedZoom } from "./zoom.js";

const WAIT_FOR_AUDIO = 60000; // ms
const AUDIO_SETTINGS = { loopRegion: false, autoPlayNewSegments: false };

/**
 * An address of a sound as the editor asks for it: fetched like this before, it is in the browser's cache and comes no second time.
 * @param {string} url
 */
export function asTheEditorAsks(url) {
  return `${url}?lsref=1`;
}

/** @implements {Editing} */
export class Editor {
  /** @type {any} what Label Studio has no types for */
  #studio = null;
  /** @type {any} */
  #store = null;
  #seek;

  /**
   * Boot the editor in `frame` (emptied first), with `draft` if there is one; `seek` is called with clip seconds.
   * @param {HTMLElement} frame
   * @param {{ config: string, task: GivenTask, draft: Result | null, seek: (time: number) => void }} about
   */
  constructor(frame, { config, task, draft, seek }) {
    const root = document.createElement("div");
    root.id = "label-studio";
    frame.replaceChildren(root);
    this.frame = frame;
    this.#seek = seek;
    try {
      localStorage.setItem("ls:audio-tag:settings", JSON.stringify(AUDIO_SETTINGS));
    } catch {
      // Then it has its defaults, which play nothing either.
    }
    const sounds = Object.fromEntries(Object.entries(task.data).map(([name, url]) => [name, asTheEditorAsks(url)]));
    this.#studio = new window.LabelStudio(root.id, {
      config,
      task: { id: task.id, data: sounds, annotations: [], predictions: [] },
      interfaces: ["controls"],
      instanceOptions: { reactVersion: "v18" }, // the other way of mounting leaves React running when the editor is destroyed
      user: { pk: 0, id: 0, firstName: "", lastName: "" },
      onStorageInitialized: (/** @type {any} */ store) => {
        this.#store = store;
        const annotation = store.annotationStore.addAnnotation({ userGenerate: true });
        store.annotationStore.selectAnnotation(annotation.id);
        if (draft?.length) {
          annotation.deserializeResults(structuredClone(draft));
          annotation.updateObjects();
          annotation.reinitHistory();
        }
      },
    });
  }

  /** Resolves when both waveforms are there; rejects with an Error whose message is for the person. */
  async ready() {
    const deadline = performance.now() + WAIT_FOR_AUDIO;
    while (!this.#waves().length || !this.#waves().every((wave) => wave?.loaded && wave.duration > 0)) {
      if (!this.frame.isConnected || !this.#studio) throw new Error("The editor was closed.");
      if (performance.now() > deadline) throw new Error("The audio of this clip could not be loaded.");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const audio of this.#audios()) this.#lead(audio);
  }

  get #annotation() {
    return this.#store?.annotationStore.selected ?? null;
  }

  /** @returns {any[]} */
  #audios() {
    return [...(this.#annotation?.names.values() ?? [])].filter((tag) => tag.type === "audio");
  }

  #waves() {
    return this.#audios().map((audio) => audio._ws);
  }

  get #main() {
    return this.#annotation?.names.get(rules.to_name)?._ws ?? null;
  }

  get duration() {
    return this.#main?.duration ?? 0;
  }

  /** Let an audio of the editor follow our player instead of its own media element and its own sync. @param {any} audio */
  #lead(audio) {
    audio.syncManager?.unregister(audio);
    const [wave, player] = [audio._ws, audio._ws.player];
    player.play = player.pause = player.updatePlayback = () => {};
    player.setCurrentTime = (/** @type {number} */ time) => {
      if (time === player.time) return;
      player.time = time;
      wave.invoke("seek", [time]);
      this.#seek(time);
    };
  }

  /** Put every cursor to where our player is. Called on every frame. @param {number} time  @param {boolean} playing */
  follow(time, playing) {
    const main = this.#main;
    for (const wave of this.#waves()) {
      if (!wave?.loaded) continue;
      const { player } = wave;
      const moved = player.time !== time;
      player.time = time;
      if (player.playing !== playing) {
        player.playing = playing;
        wave.invoke(playing ? "play" : "pause");
      }
      if (moved) wave.invoke("playing", [time]);
      if (moved) wave.syncCursor();
      if (wave !== main && wave.zoom !== main.zoom) wave.zoom = main.zoom;
      if (wave !== main && Math.abs(wave.visualizer.getScrollLeft() - main.visualizer.getScrollLeft()) > 1e-6) {
        wave.visualizer.setScrollLeft(main.visualizer.getScrollLeft());
      }
    }
  }

  /** Where each of the editor's cursors stands, clip seconds. */
  cursors() {
    return this.#waves().map((wave) => wave.visualizer.playhead.time ?? wave.currentTime);
  }

  /** What the waveform shows. @returns {View | null} */
  view() {
    const main = this.#main;
    if (!main?.loaded) return null;
    const { left, width } = main.visualizer.container.getBoundingClientRect();
    return { start: main.visualizer.getScrollLeft() * main.duration, length: main.duration / main.zoom, left, width };
  }

  get zoom() {
    return this.#main?.zoom ?? 1;
  }

  /** Show 1/zoom of the clip with `around`, clip seconds, in the middle. @param {number} zoom  @param {number} around */
  zoomTo(zoom, around) {
    const main = this.#main;
    if (!main) return;
    const { width } = main.visualizer.container.getBoundingClientRect();
    main.zoom = allowedZoom(zoom, main.duration, width);
    this.scrollTo(around - main.duration / main.zoom / 2);
  }

  /** Let the waveform begin at this clip second. @param {number} start */
  scrollTo(start) {
    const main = this.#main;
    main.visualizer.setScrollLeft(Math.max(0, Math.min(start / main.duration, 1 - 1 / main.zoom)));
  }

  /** Switch drawing on the waveform on or off, as the label's own key does. */
  toggleDrawing() {
    this.#annotation?.names.get(rules.from_name)?.children[0]?.toggleSelected();
  }

  /** The marks, in order of time. @returns {Mark[]} */
  regions() {
    /** @type {any[]} */
    const regions = this.#annotation?.regionStore.regions ?? [];
    return regions
      .filter((region) => region.object?.name === rules.to_name)
      .map(({ cleanId, start, end, inSelection }) => ({ id: cleanId, start, end, selected: inSelection }))
      .sort((a, b) => a.start - b.start);
  }

  /** The answer in Label Studio's own JSON. @returns {Result} */
  result() {
    return this.#annotation?.serializeAnnotation() ?? [];
  }

  /** @param {number} start  @param {number} end */
  add(start, end) {
    this.#annotation.appendResults([asResult({ start, end }, this.duration)]);
  }

  /** End what is being drawn or dragged where it is. */
  letGo() {
    document.dispatchEvent(new MouseEvent("mouseup", { bubbles: true }));
  }

  /** @param {string} id  @param {number} start  @param {number} end */
  change(id, start, end) {
    const region = this.#region(id);
    region?.setProperty("start", start);
    region?.setProperty("end", end);
  }

  /** @param {string} id */
  remove(id) {
    const region = this.#region(id);
    if (region) this.#annotation.deleteRegion(region);
  }

  /** Select this mark, or none. @param {string | null} id */
  select(id) {
    const region = this.#region(id);
    this.#annotation?.unselectAll();
    if (region) this.#annotation.selectArea(region);
  }

  /** @param {string | null} id */
  #region(id) {
    return this.#annotation?.regionStore.regions.find((/** @type {any} */ region) => region.cleanId === id);
  }

  undo() {
    if (this.canUndo) this.#annotation.undo();
  }

  redo() {
    if (this.canRedo) this.#annotation.redo();
  }

  get canUndo() {
    return this.#annotation?.history.canUndo ?? false;
  }

  get canRedo() {
    return this.#annotation?.history.canRedo ?? false;
  }

  destroy() {
    this.#studio?.destroy();
    this.#studio = this.#store = null;
    this.frame.replaceChildren();
  }
}
