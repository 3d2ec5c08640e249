// Label Studio's editor behind the few verbs that our page needs. Whatever is not its documented interface stays in this file.
//
// It draws; it does not play. Its players are told where our player stands, and what it would do to them goes to ours.

const WAIT_FOR_AUDIO = 60000; // ms
const LONGEST_EDGE = 0.02; // seconds: a pixel may be no more than half of this when an edge is set
const AUDIO_SETTINGS = { loopRegion: false, autoPlayNewSegments: false };

/** An address of a sound as the editor asks for it: fetched like this before, it is in the browser's cache and comes no second time. */
export function asTheEditorAsks(url) {
  return `${url}?lsref=1`;
}

export class Editor {
  #studio = null;
  #store = null;
  #seek;

  /** Boot the editor in `frame` (emptied first). `task` is {id, data}; `draft` a result to begin with, or null; `seek` is called with clip seconds. */
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
    const labels = new DOMParser().parseFromString(config, "text/xml").querySelector("Labels");
    this.names = { control: labels.getAttribute("name"), audio: labels.getAttribute("toName"), label: labels.querySelector("Label").getAttribute("value") };
    const sounds = Object.fromEntries(Object.entries(task.data).map(([name, url]) => [name, asTheEditorAsks(url)]));
    this.#studio = new window.LabelStudio(root.id, {
      config,
      task: { id: task.id, data: sounds, annotations: [], predictions: [] },
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

  /** Let an audio of the editor follow our player instead of its own media element and its own sync. */
  #lead(audio) {
    audio.syncManager?.unregister(audio);
    const [wave, player] = [audio._ws, audio._ws.player];
    player.play = player.pause = player.updatePlayback = () => {};
    player.setCurrentTime = (time) => {
      if (time === player.time) return;
      player.time = time;
      wave.invoke("seek", [time]);
      this.#seek(time);
    };
  }

  /** Put every cursor to where our player is. Called on every frame. */
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

  /** What the waveform shows: {start, length} in clip seconds, {left, width} in pixels of the page. */
  view() {
    const main = this.#main;
    if (!main?.loaded) return null;
    const { left, width } = main.visualizer.container.getBoundingClientRect();
    return { start: main.visualizer.getScrollLeft() * main.duration, length: main.duration / main.zoom, left, width };
  }

  get zoom() {
    return this.#main?.zoom ?? 1;
  }

  /** Show 1/zoom of the clip with `around`, clip seconds, in the middle; as far in as a pixel of 2 ms. */
  zoomTo(zoom, around) {
    const main = this.#main;
    if (!main) return;
    const { width } = main.visualizer.container.getBoundingClientRect();
    const most = Math.max(1, main.duration / (width * (LONGEST_EDGE / 10)));
    main.zoom = Math.max(1, Math.min(zoom, most));
    this.scrollTo(around - main.duration / main.zoom / 2);
  }

  /** Let the waveform begin at this clip second. */
  scrollTo(start) {
    const main = this.#main;
    main.visualizer.setScrollLeft(Math.max(0, Math.min(start / main.duration, 1 - 1 / main.zoom)));
  }

  /** Switch drawing on the waveform on or off, as the label's own key does. */
  toggleDrawing() {
    this.#annotation?.names.get(this.names.control)?.children[0]?.toggleSelected();
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
    this.#annotation.appendResults([this.region(start, end)]);
  }

  /** A mark in Label Studio's JSON. */
  region(start, end) {
    const value = { start, end, channel: 0, labels: [this.names.label] };
    const region = { from_name: this.names.control, to_name: this.names.audio, type: "labels", origin: "manual", original_length: this.duration, value };
    return { ...region, id: Math.random().toString(36).slice(2, 12) };
  }

  /** End what is being drawn or dragged where it is. */
  letGo() {
    document.dispatchEvent(new MouseEvent("mouseup", { bubbles: true }));
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

  /** Select this mark, or none. */
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
