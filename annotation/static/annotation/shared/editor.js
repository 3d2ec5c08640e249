// @ts-check
// Label Studio's editor behind the few verbs that our page needs. Whatever is not its documented interface stays in this file.
//
// It draws; it does not play. Its players are told where our player stands, and what it would do to them goes to ours.

import { element } from "./elements.js";
import { joined } from "./joining.js";
import { Playhead } from "./playhead.js";
import { asResult, asTag } from "./results.js";
import { rules } from "./rules.js";
import { allowedZoom } from "./zoom.js";
import { gettext } from "./words.js";

const WAIT_FOR_EDITOR = 60000; // ms
const MARGIN = 17; // pixels between our frame and the editor's waveform
const AHEAD = 0.1; // of what is looked at: how far from its left edge play is when it is followed
const ONE_STEP = "unbleed"; // the name of our freezing of the editor's history
const AUDIO_SETTINGS = { loopRegion: false, autoPlayNewSegments: false };

/**
 * An address of a sound as the editor asks for it: fetched like this before, it is in the browser's cache and comes no second time.
 * @param {string} url
 */
export function asTheEditorAsks(url) {
  return `${url}?lsref=1`;
}

/** @typedef {Pick<Editing, "undo" | "redo" | "canUndo" | "canRedo" | "result">} Steps  what was made before, with its undo */

/** @implements {Editing} */
export class Editor {
  /** @type {any} what Label Studio has no types for */
  #studio = null;
  /** @type {any} */
  #store = null;
  #config = "";
  #seek;
  /** @type {Set<any>} audios of the editor that follow our player */
  #led = new Set();
  /** @type {Result | null} with which the task begins */
  #draft = null;
  /** @type {Pick<View, "left" | "width"> | null} where the waveform lay last: the next clip's will lie there too */
  #place = null;
  /** What the marks were made in before, whose steps can still be taken back. @type {Steps | null} */
  #before = null;
  duration = 0;

  /** It is in `frame` from the first task on; `seek` is called with clip seconds. @param {HTMLElement} frame  @param {(time: number) => void} seek */
  constructor(frame, seek) {
    this.frame = frame;
    this.#seek = seek;
    this.playhead = new Playhead(frame);
    // What is drawn on the waveform may overlap: looked at when the editor itself is done with it.
    frame.addEventListener("mousedown", () => window.addEventListener("mouseup", () => setTimeout(() => this.join()), { once: true }));
  }

  /**
   * Begin with this task, and its marks so far (`draft`). The editor is started once; from then on it is given one task after the
   * other. Marks can be made as soon as this resolves; waveforms come by themselves. Rejects with an Error whose message is for the person.
   * @param {{ config: string, task: GivenTask, draft: Result | null, duration: number }} about
   */
  async show({ config, task, draft, duration }) {
    const data = Object.fromEntries(Object.entries(task.data).map(([name, url]) => [name, asTheEditorAsks(url)]));
    this.duration = duration;
    this.#draft = draft;
    this.#before = null;
    this.#led.clear();
    this.frame.classList.remove("drawn");
    if (this.#studio && config === this.#config) await this.#started(); // perhaps it still begins with another task
    if (this.#store && config === this.#config) {
      this.#store.resetState();
      this.#store.assignTask({ id: task.id, data });
      this.#store.initializeStore({ annotations: [], predictions: [] });
    } else {
      this.#start(config, { id: task.id, data, annotations: [], predictions: [] });
    }
    await this.#started();
  }

  /** It goes on with the marks of `before`: undo reaches back into what was done there. @param {Steps} before */
  after(before) {
    this.#before = before;
    return this;
  }

  async #started() {
    const deadline = performance.now() + WAIT_FOR_EDITOR;
    while (!this.#annotation) {
      if (!this.#studio) throw new Error(gettext("The editor was closed."));
      if (performance.now() > deadline) throw new Error(gettext("The editor did not start."));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** @param {string} config  @param {object} task */
  #start(config, task) {
    this.#studio?.destroy();
    this.#config = config;
    const root = document.createElement("div");
    root.id = "label-studio";
    this.frame.replaceChildren(root);
    this.playhead.put();
    try {
      localStorage.setItem("ls:audio-tag:settings", JSON.stringify(AUDIO_SETTINGS));
    } catch {
      // Then it has its defaults, which play nothing either.
    }
    this.#studio = new window.LabelStudio(root.id, {
      config,
      task,
      interfaces: ["controls"],
      instanceOptions: { reactVersion: "v18" }, // the other way of mounting leaves React running when the editor is destroyed
      user: { pk: 0, id: 0, firstName: "", lastName: "" },
      onStorageInitialized: (/** @type {any} */ store) => this.#begin(store),
    });
  }

  /** @param {any} store */
  #begin(store) {
    this.#store = store;
    const annotation = store.annotationStore.addAnnotation({ userGenerate: true });
    store.annotationStore.selectAnnotation(annotation.id);
    if (!this.#draft?.length) return;
    annotation.deserializeResults(structuredClone(this.#draft));
    annotation.updateObjects();
    annotation.reinitHistory();
  }

  get #annotation() {
    return this.#store?.annotationStore.selected ?? null;
  }

  /** @returns {any[]} */
  #audios() {
    return [...(this.#annotation?.names.values() ?? [])].filter((tag) => tag.type === "audio");
  }

  get #main() {
    return this.#annotation?.names.get(rules.to_name)?._ws ?? null;
  }

  /** Let an audio of the editor follow our player instead of its own media element and its own sync; the line that shows where is ours. @param {any} audio */
  #lead(audio) {
    this.#led.add(audio);
    audio.syncManager?.unregister(audio);
    const [wave, player] = [audio._ws, audio._ws.player];
    wave.visualizer.playhead.renderTo = () => {}; // to move it is to draw the waveform again
    const ruler = wave.visualizer.getLayer("timeline");
    if (ruler) ruler.opacity = 0; // the picture above has the seconds, in the page's words
    wave.visualizer.transferImage();
    player.play = player.pause = player.updatePlayback = () => {};
    player.setCurrentTime = (/** @type {number} */ time) => {
      if (time === player.time) return;
      player.time = time;
      wave.invoke("seek", [time]);
      this.#seek(time);
    };
  }

  /** Show where our player is, and the same part of the clip in every waveform. Called on every frame. @param {number} time  @param {boolean} playing */
  follow(time, playing) {
    const main = this.#main;
    for (const audio of this.#audios()) {
      const wave = audio._ws;
      if (!wave?.loaded || !(wave.duration > 0)) continue;
      if (!this.#led.has(audio)) this.#lead(audio);
      wave.player.time = time; // for what the editor's own clicks and keys go by; nothing is drawn for it
      if (wave === main || !main?.loaded) continue;
      if (wave.zoom !== main.zoom) wave.zoom = main.zoom;
      const start = main.visualizer.getScrollLeft();
      if (Math.abs(wave.visualizer.getScrollLeft() - start) > 1e-6) wave.visualizer.setScrollLeft(start);
    }
    this.frame.classList.toggle("drawn", this.isDrawn); // until then the editor's own times would be seen
    const view = this.view();
    if (!view) return;
    if (playing && this.zoom > 1 && (time < view.start || time > view.start + view.length)) this.scrollTo(time - view.length * AHEAD);
    this.playhead.show(time, view);
  }

  /** Whether every waveform is drawn and follows our player. */
  get isDrawn() {
    const audios = this.#audios();
    return audios.length > 0 && audios.every((audio) => this.#led.has(audio));
  }

  /** What the waveform shows; until it is there, all of the clip where it will lie. @returns {View | null} */
  view() {
    const main = this.#main;
    if (!main?.loaded) return this.duration ? { start: 0, length: this.duration, ...this.place } : null;
    const { left, width } = main.visualizer.container.getBoundingClientRect();
    this.#place = { left, width };
    return { start: main.visualizer.getScrollLeft() * main.duration, length: main.duration / main.zoom, left, width };
  }

  /** Where the waveform lies, or will. */
  get place() {
    return this.#place ?? this.#inside();
  }

  #inside() {
    const { left, width } = this.frame.getBoundingClientRect();
    return { left: left + MARGIN, width: width - 2 * MARGIN };
  }

  get zoom() {
    return this.#main?.zoom ?? 1;
  }

  /** Show 1/zoom of the clip with `around`, clip seconds, in the middle. @param {number} zoom  @param {number} around */
  zoomTo(zoom, around) {
    const main = this.#main;
    if (!main?.loaded) return;
    const { width } = main.visualizer.container.getBoundingClientRect();
    main.zoom = allowedZoom(zoom, main.duration, width);
    this.scrollTo(around - main.duration / main.zoom / 2);
  }

  /** Let the waveform begin at this clip second. @param {number} start */
  scrollTo(start) {
    const main = this.#main;
    if (!main?.loaded) return;
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
      .map((region) => ({ id: region.cleanId, start: region.start, end: region.end, selected: region.inSelection, ...this.#said(region) }))
      .sort((a, b) => a.start - b.start);
  }

  /** What a mark says beside its times. @param {any} region  @returns {Pick<Mark, "missing" | "tag">} */
  #said({ results }) {
    const value = (/** @type {string} */ type) => results.find((/** @type {any} */ one) => one.type === type)?.mainValue?.[0];
    return { ...(rules.missing_label && value("labels") === rules.missing_label && { missing: true }), ...(value("choices") && { tag: value("choices") }) };
  }

  /** The marks that are of one kind with these, which alone they can become one with. @param {Pick<Mark, "missing">} kind */
  #like({ missing }) {
    return this.regions().filter((mark) => Boolean(mark.missing) === Boolean(missing));
  }

  /** The answer in Label Studio's own JSON. @returns {Result} */
  result() {
    return this.#annotation?.serializeAnnotation() ?? [];
  }

  /** @param {number} start  @param {number} end  @param {boolean} missing */
  add(start, end, missing = false) {
    const { gone, ...whole } = joined(this.#like({ missing }), start, end);
    if (gone.length) this.change(gone[0].id, whole.start, whole.end);
    else this.#annotation.appendResults([asResult({ start, end, missing }, this.duration)]);
  }

  /** Make a mark of what the model proposes, under its id; what it meets becomes one with it. @param {ResultItem} proposal */
  put(proposal) {
    const { history } = this.#annotation;
    history.freeze(ONE_STEP);
    this.#annotation.deserializeResults([structuredClone(proposal)]); // appended, it would get another id
    this.#annotation.updateObjects();
    this.change(proposal.id, proposal.value.start, proposal.value.end);
    history.unfreeze(ONE_STEP);
  }

  /** Say what leaks at this mark, or nothing (""); undone in one step. @param {string} id  @param {string} tag */
  tag(id, tag) {
    const mark = this.regions().find((one) => one.id === id);
    if (!mark || mark.missing || (mark.tag ?? "") === tag) return;
    const item = asResult(mark, this.duration);
    const { history } = this.#annotation;
    history.freeze(ONE_STEP);
    this.remove(id);
    this.#annotation.deserializeResults(tag ? [item, asTag(item, tag)] : [item]); // appended, it would get another id
    this.#annotation.updateObjects();
    history.unfreeze(ONE_STEP);
    this.select(mark.selected ? id : null);
  }

  /** End what is being drawn or dragged where it is. */
  letGo() {
    document.dispatchEvent(new MouseEvent("mouseup", { bubbles: true }));
    this.join();
  }

  /** Let this mark reach from `start` to `end`, with all that it meets there; undone in one step. @param {string} id  @param {number} start  @param {number} end */
  change(id, start, end) {
    const region = this.#region(id);
    if (!region) return;
    const { gone, ...whole } = joined(this.#like(this.#said(region)).filter((mark) => mark.id !== id), start, end);
    if (!gone.length && region.start === whole.start && region.end === whole.end) return;
    const { history } = this.#annotation;
    history.freeze(ONE_STEP);
    for (const mark of gone) this.remove(mark.id);
    region.setProperty("start", whole.start);
    region.setProperty("end", whole.end);
    history.unfreeze(ONE_STEP);
  }

  /** Make one of all marks that overlap. */
  join() {
    for (const mark of this.regions()) this.change(mark.id, mark.start, mark.end);
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
    if (this.#annotation?.history.canUndo) this.#annotation.undo();
    else if (this.#before?.canUndo) this.#step((before) => before.undo());
  }

  redo() {
    if (this.#annotation?.history.canRedo) this.#annotation.redo();
    else if (this.#again) this.#step((before) => before.redo());
  }

  get canUndo() {
    return Boolean(this.#annotation?.history.canUndo || this.#before?.canUndo);
  }

  get canRedo() {
    return Boolean(this.#annotation?.history.canRedo || this.#again);
  }

  /** Whether a step that was made before can be made again: not after new ones. */
  get #again() {
    return !this.#annotation?.history.canUndo && this.#before?.canRedo;
  }

  /** Take a step in what the marks were made in before, and have the marks that it has then. @param {(before: Steps) => void} take */
  #step(take) {
    const before = this.#before;
    if (!before) return;
    take(before);
    for (const mark of this.regions()) this.remove(mark.id);
    const result = before.result();
    if (result.length) this.#annotation.deserializeResults(structuredClone(result));
    this.#annotation.updateObjects();
    this.#annotation.reinitHistory();
  }

  /** Say something where the waveform would be. @param {string} text */
  tell(text) {
    this.frame.replaceChildren(element("p", "hint", text));
    this.playhead.put();
  }

  /** Start anew with the next task: something went wrong. */
  forget() {
    this.#studio?.destroy();
    this.#studio = this.#store = null;
    this.frame.replaceChildren();
  }
}
