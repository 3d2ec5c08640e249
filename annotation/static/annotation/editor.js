// Label Studio's editor behind the few verbs that our page needs. Whatever is not its documented interface stays in this file.

const WAIT_FOR_AUDIO = 60000; // ms
const MAX_APART = 0.04; // seconds

export class Editor {
  #studio = null;
  #store = null;
  #source = "vocals";
  #range = null; // the stretch that playRange plays
  #stepped = 0; // ms, when keepStep last moved an audio
  #late = 0; // seconds by which an audio lags behind where it was last moved to: decoding takes a while

  /** Boot the editor in `frame` (emptied first). `task` is {id, data}; `draft` a result to begin with, or null. */
  constructor(frame, { config, task, draft, source }) {
    const root = document.createElement("div");
    root.id = "label-studio";
    frame.replaceChildren(root);
    this.frame = frame;
    this.#source = source;
    const labels = new DOMParser().parseFromString(config, "text/xml").querySelector("Labels");
    this.names = { control: labels.getAttribute("name"), audio: labels.getAttribute("toName"), label: labels.querySelector("Label").getAttribute("value") };
    this.#studio = new window.LabelStudio(root.id, {
      config,
      task: { id: task.id, data: task.data, annotations: [], predictions: [] },
      interfaces: ["controls"],
      instanceOptions: { reactVersion: "v18" }, // the other way of mounting leaves React running when the editor is destroyed
      user: { pk: 0, id: 0, firstName: "", lastName: "" },
      onStorageInitialized: (store) => {
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

  /** Resolves when both audios can play; rejects with an Error whose message is for the person. */
  async ready() {
    const deadline = performance.now() + WAIT_FOR_AUDIO;
    while (!this.#waves().length || !this.#waves().every((wave) => wave?.loaded && wave.duration > 0)) {
      if (!this.frame.isConnected || !this.#studio) throw new Error("The editor was closed.");
      if (performance.now() > deadline) throw new Error("The audio of this clip could not be loaded.");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.listen(this.#source);
  }

  get #annotation() {
    return this.#store?.annotationStore.selected ?? null;
  }

  #audios() {
    return [...(this.#annotation?.names.values() ?? [])].filter((tag) => tag.type === "audio");
  }

  #waves() {
    return this.#audios().map((audio) => audio._ws);
  }

  get #main() {
    return this.#annotation?.names.get(this.names.audio)?._ws ?? null;
  }

  get duration() {
    return this.#main?.duration ?? 0;
  }

  get time() {
    return this.#main?.currentTime ?? 0;
  }

  get playing() {
    return this.#main?.playing ?? false;
  }

  get rate() {
    return this.#main?.rate ?? 1;
  }

  /** Whether the track that is judged can be heard (not only the mix). */
  get judgedSounds() {
    const element = this.#main?.player.audio?.el;
    return this.playing && Boolean(element) && element.volume > 0 && !element.muted;
  }

  toggle() {
    this.#main?.togglePlay();
  }

  pause() {
    if (this.playing) this.#main.pause();
  }

  seek(time) {
    this.#main?.setCurrentTime(Math.max(0, Math.min(time, this.duration)), true);
    this.#main?.syncCursor();
  }

  playRange(start, end) {
    this.pause();
    this.#annotation?.unselectAll(); // a selected mark would be played in place of this stretch
    this.seek(start);
    this.#main?.play();
    // The editor's own play(start, end) goes on past the end when audios are synced.
    const range = (this.#range = { start, end });
    const stopAtEnd = () => {
      const now = this.#main?.player.audio?.el?.currentTime ?? this.time;
      const left = !this.playing || this.#range !== range || now < start - 0.2 || now > end + 0.5;
      if (!left && now >= end) this.pause();
      if (!left && this.playing) requestAnimationFrame(stopAtEnd);
    };
    requestAnimationFrame(stopAtEnd);
  }

  /** Bring the mix back to the judged audio while they play; more than this apart is heard as an echo. */
  keepStep() {
    const judged = this.#main?.player.audio?.el;
    const now = performance.now();
    if (!this.playing || !judged || judged.seeking || now < this.#stepped + 1000) return;
    for (const wave of this.#waves()) {
      const element = wave.player.audio?.el;
      if (!element || element === judged) continue;
      const behind = judged.currentTime - element.currentTime;
      if (Math.abs(behind) < MAX_APART) continue;
      if (now < this.#stepped + 3000) this.#late = Math.max(0, Math.min(0.4, this.#late + behind));
      element.currentTime = judged.currentTime + this.#late;
      this.#stepped = now;
    }
  }

  /**
   * Let "vocals", "mix" or "both" sound. Set on the media elements: the editor lifts its own mute (and volume 0, which it
   * takes for a mute) whenever synced audios start to play, but leaves the elements' volume alone.
   */
  listen(source) {
    this.#source = source;
    for (const audio of this.#audios()) {
      const element = audio._ws?.player.audio?.el;
      if (!element) continue;
      audio._ws.volume = 1;
      element.muted = false;
      element.volume = source === "both" || (source === "vocals") === (audio.name === this.names.audio) ? 1 : 0;
    }
  }

  /** The marks, in order of time: [{id, start, end, selected}]. */
  regions() {
    const regions = this.#annotation?.regionStore.regions ?? [];
    return regions
      .filter((region) => region.object?.name === this.names.audio)
      .map(({ cleanId, start, end, inSelection }) => ({ id: cleanId, start, end, selected: inSelection }))
      .sort((a, b) => a.start - b.start);
  }

  /** The answer in Label Studio's own JSON. */
  result() {
    return this.#annotation?.serializeAnnotation() ?? [];
  }

  add(start, end) {
    const value = { start, end, channel: 0, labels: [this.names.label] };
    const region = { from_name: this.names.control, to_name: this.names.audio, type: "labels", origin: "manual", original_length: this.duration, value };
    this.#annotation.appendResults([{ ...region, id: Math.random().toString(36).slice(2, 12) }]);
  }

  change(id, start, end) {
    const region = this.#region(id);
    region?.setProperty("start", start);
    region?.setProperty("end", end);
  }

  remove(id) {
    const region = this.#region(id);
    if (region) this.#annotation.deleteRegion(region);
  }

  select(id) {
    const region = this.#region(id);
    this.#annotation?.unselectAll();
    if (region) this.#annotation.selectArea(region);
  }

  #region(id) {
    return this.#annotation?.regionStore.regions.find((region) => region.cleanId === id);
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
