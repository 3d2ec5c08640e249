// The regions that a reviewer decides on, with undo and redo, and which part of the clip is looked at.
// It has the verbs of the annotate page's editor (editor.js), so that keys and buttons do the same in both.

const FINEST = 0.002; // seconds that a pixel may stand for at most zoom

export class Decision {
  #regions = [];
  #past = [];
  #future = [];
  #selected = null;
  #made = 0;
  #zoom = 1;
  #start = 0;

  /** `cell` is the element that it is drawn in; `duration()` gives the clip's seconds; `changed` is called after each change. */
  constructor(cell, duration, changed) {
    Object.assign(this, { cell, duration, changed });
    this.locked = false;
  }

  /** Begin anew with these stretches, [[start, end], …] in clip seconds: nothing to undo. */
  load(stretches) {
    this.#regions = this.#make(stretches);
    this.#past = [];
    this.#future = [];
    this.#selected = null;
    this.changed();
  }

  /** Put these stretches in place of all there are; can be undone. */
  replace(stretches) {
    this.#step(this.#make(stretches));
  }

  /** In order of time: [{id, start, end, selected}]. */
  regions() {
    return this.#regions.map((region) => ({ ...region, selected: region.id === this.#selected }));
  }

  /** What it says, without ids: equal texts are equal decisions. */
  shape() {
    return shapeOf(this.#regions.map(({ start, end }) => [start, end]));
  }

  /** In Label Studio's JSON, as the server reads answers. */
  result() {
    return this.#regions.map(({ id, start, end }) => ({
      id,
      from_name: "fp",
      to_name: "vocals",
      type: "labels",
      origin: "manual",
      original_length: this.duration(),
      value: { start, end, channel: 0, labels: ["False positive vocals"] },
    }));
  }

  add(start, end) {
    const [region] = this.#make([[start, end]]);
    this.#step([...this.#regions, region]);
    this.select(region.id);
  }

  change(id, start, end) {
    this.#step(this.#regions.map((region) => (region.id === id ? { id, start, end } : region)));
  }

  remove(id) {
    this.#step(this.#regions.filter((region) => region.id !== id));
  }

  select(id) {
    this.#selected = id;
    this.changed();
  }

  undo() {
    this.#travel(this.#past, this.#future);
  }

  redo() {
    this.#travel(this.#future, this.#past);
  }

  get canUndo() {
    return !this.locked && this.#past.length > 0;
  }

  get canRedo() {
    return !this.locked && this.#future.length > 0;
  }

  /** What is looked at: {start, length} in clip seconds, {left, width} in pixels of the page. */
  view() {
    const duration = this.duration();
    if (!duration) return null;
    const { left, width } = this.cell.getBoundingClientRect();
    return { start: this.#start, length: duration / this.#zoom, left, width };
  }

  get zoom() {
    return this.#zoom;
  }

  zoomTo(zoom, around) {
    const duration = this.duration();
    const most = Math.max(1, duration / (this.cell.clientWidth * FINEST));
    this.#zoom = Math.max(1, Math.min(zoom, most));
    this.scrollTo(around - duration / this.#zoom / 2);
  }

  scrollTo(start) {
    this.#start = Math.max(0, Math.min(start, this.duration() * (1 - 1 / this.#zoom)));
  }

  /** Bring this moment into view. */
  follow(time) {
    const length = this.duration() / this.#zoom;
    if (this.#zoom > 1 && (time < this.#start || time > this.#start + length)) this.scrollTo(time - length * 0.1);
  }

  #make(stretches) {
    return stretches.map(([start, end]) => ({ id: `region${(this.#made += 1)}`, start, end }));
  }

  #step(regions) {
    if (this.locked) return;
    this.#past.push(this.#regions);
    this.#future = [];
    this.#set(regions);
  }

  #travel(from, to) {
    if (this.locked || !from.length) return;
    to.push(this.#regions);
    this.#set(from.pop());
  }

  #set(regions) {
    this.#regions = [...regions].sort((a, b) => a.start - b.start);
    this.changed();
  }
}

export function shapeOf(stretches) {
  return JSON.stringify(stretches.map(([start, end]) => [start, end].map((time) => Math.round(time * 1000))));
}
