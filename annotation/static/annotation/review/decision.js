// @ts-check
// The regions that a reviewer decides on, with undo and redo, and which part of the clip is looked at.
// It has the verbs of the annotate page's editor (editor.js), so that keys and buttons do the same in both.
import { joined } from "../shared/joining.js";
import { asResult, newId } from "../shared/results.js";
import { rules } from "../shared/rules.js";
import { allowedZoom } from "../shared/zoom.js";

/** @typedef {Part & { id: string, missing?: boolean, tag?: string }} DecidedRegion */
/** A region without its id: from where to where, and whether something is missing there. @typedef {[start: number, end: number, missing?: boolean]} Said */

/** @implements {Editing} */
export class Decision {
  /** @type {DecidedRegion[]} */
  #regions = [];
  /** @type {DecidedRegion[][]} */
  #past = [];
  /** @type {DecidedRegion[][]} */
  #future = [];
  /** @type {string | null} */
  #selected = null;
  #zoom = 1;
  #start = 0;

  locked = false;

  /**
   * `cell` is the element that it is drawn in; `duration` gives the clip's seconds; `changed` is called after each change.
   * @param {HTMLElement} cell
   * @param {() => number} duration
   * @param {() => void} changed
   */
  constructor(cell, duration, changed) {
    this.cell = cell;
    this.duration = duration;
    this.changed = changed;
  }

  /** Begin anew with these regions, clip seconds: nothing to undo. @param {Said[]} said */
  load(said) {
    this.begin(this.#make(said));
  }

  /** The same with regions that have their ids. @param {DecidedRegion[]} regions */
  begin(regions) {
    this.#regions = regions;
    this.#past = [];
    this.#future = [];
    this.#selected = null;
    this.changed();
  }

  /** Put these regions in place of all there are; can be undone. @param {Said[]} said */
  replace(said) {
    this.#step(this.#make(said));
  }

  /** In order of time. */
  regions() {
    return this.#regions.map((region) => ({ ...region, selected: region.id === this.#selected }));
  }

  /** What it says, without ids: equal texts are equal decisions. */
  shape() {
    return shapeOf(this.#regions.map(asSaid));
  }

  /** In Label Studio's JSON, as the server reads answers. */
  result() {
    return this.#regions.map((region) => asResult(region, this.duration()));
  }

  /** @param {number} start  @param {number} end  @param {boolean} missing */
  add(start, end, missing = false) {
    const region = { id: newId(), start, end, ...(missing && { missing }) };
    this.#put(region);
    this.select(region.id);
  }

  /** @param {string} id  @param {number} start  @param {number} end */
  change(id, start, end) {
    this.#put({ ...this.#regions.find((one) => one.id === id), id, start, end });
  }

  /** Say more of a region. @param {string} id  @param {Pick<DecidedRegion, "tag">} more */
  give(id, more) {
    this.#step(this.#regions.map((one) => (one.id === id ? { ...one, ...more } : one)));
  }

  /** @param {string} id */
  remove(id) {
    this.#step(this.#regions.filter((region) => region.id !== id));
  }

  /** @param {string | null} id */
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

  /** What is looked at. @returns {View | null} */
  view() {
    const duration = this.duration();
    if (!duration) return null;
    const { left, width } = this.cell.getBoundingClientRect();
    return { start: this.#start, length: duration / this.#zoom, left, width };
  }

  get zoom() {
    return this.#zoom;
  }

  /** @param {number} zoom  @param {number} around */
  zoomTo(zoom, around) {
    const duration = this.duration();
    this.#zoom = allowedZoom(zoom, duration, this.cell.clientWidth);
    this.scrollTo(around - duration / this.#zoom / 2);
  }

  /** @param {number} start */
  scrollTo(start) {
    this.#start = Math.max(0, Math.min(start, this.duration() * (1 - 1 / this.#zoom)));
  }

  /** Bring this moment into view. @param {number} time */
  follow(time) {
    const length = this.duration() / this.#zoom;
    if (this.#zoom > 1 && (time < this.#start || time > this.#start + length)) this.scrollTo(time - length * 0.1);
  }

  /** @param {Said[]} said  @returns {DecidedRegion[]} */
  #make(said) {
    return said.map(([start, end, missing]) => ({ id: newId(), start, end, ...(missing && { missing }) })).sort((a, b) => a.start - b.start);
  }

  /** Put a region there, instead of what it was and of those that it meets. @param {DecidedRegion} region */
  #put(region) {
    const others = this.#regions.filter((one) => one.id !== region.id);
    const { gone, ...whole } = joined(others.filter((one) => Boolean(one.missing) === Boolean(region.missing)), region.start, region.end);
    this.#step([...others.filter((one) => !gone.includes(one)), { ...region, ...whole }]);
  }

  /** @param {DecidedRegion[]} regions */
  #step(regions) {
    if (this.locked) return;
    this.#past.push(this.#regions);
    this.#future = [];
    this.#set(regions);
  }

  /** @param {DecidedRegion[][]} from  @param {DecidedRegion[][]} to */
  #travel(from, to) {
    const regions = this.locked ? undefined : from.pop();
    if (!regions) return;
    to.push(this.#regions);
    this.#set(regions);
  }

  /** @param {DecidedRegion[]} regions */
  #set(regions) {
    this.#regions = [...regions].sort((a, b) => a.start - b.start);
    this.changed();
  }
}

/** @param {Part & { missing?: boolean }} region  @returns {Said} */
export function asSaid({ start, end, missing }) {
  return missing ? [start, end, true] : [start, end];
}

/** What people or a consensus say: where it should be silent, and, where the campaign asks for that, what is missing. @param {{ regions: Stretch[], missing: Stretch[] } | null | undefined} found  @returns {Said[]} */
export function saidBy(found) {
  const missing = rules.missing_label ? (found?.missing ?? []) : [];
  return [...(found?.regions ?? []).map(([start, end]) => /** @type {Said} */ ([start, end])), ...missing.map(([start, end]) => /** @type {Said} */ ([start, end, true]))];
}

/** What regions say, to the thousandth of a second, as text; in whatever order they come. @param {Said[]} said */
export function shapeOf(said) {
  return JSON.stringify(said.map(([start, end, missing]) => [...[start, end].map((time) => Math.round(time * 1000)), ...(missing ? [1] : [])]).sort((a, b) => a[0] - b[0] || a.length - b.length));
}
