// @ts-check
// Which stretches of the clip somebody has listened to, stem by stem: what the player says has sounded, and nothing else.
import { rules } from "./rules.js";

const GLIMPSE = 0.1; // seconds: less of the clip at a stretch is no listening; what sounds between two steps is as short

export class Heard {
  /** @type {Record<string, Stretch[]>} */
  #stretches = {};

  /** `stretches` were heard before, stem by stem. @param {Record<string, Stretch[]>} stretches */
  constructor(stretches = {}) {
    for (const [stem, known] of Object.entries(stretches)) for (const [start, end] of known) this.add(stem, start, end);
  }

  /** This stretch of a stem has sounded, clip seconds. @param {string} stem  @param {number} start  @param {number} end */
  add(stem, start, end) {
    const known = this.#stretches[stem] ?? [];
    const apart = known.filter((s) => s[1] < start - 0.01 || s[0] > end + 0.01);
    const joined = known.filter((s) => !apart.includes(s));
    /** @type {Stretch} */
    const merged = [Math.min(start, ...joined.map((s) => s[0])), Math.max(end, ...joined.map((s) => s[1]))];
    this.#stretches[stem] = [...apart, merged].sort((a, b) => a[0] - b[0]);
  }

  /** Merged, in order, to the hundredth of a second. @returns {Stretch[]} */
  intervals(stem = rules.to_name) {
    const heard = (this.#stretches[stem] ?? []).filter(([start, end]) => end - start >= GLIMPSE - 1e-9); // rounded times are a hair off
    return heard.map(([start, end]) => [Math.round(start * 100) / 100, Math.round(end * 100) / 100]);
  }

  /** The same of every stem that was heard. */
  all() {
    return Object.fromEntries(Object.keys(this.#stretches).map((stem) => [stem, this.intervals(stem)]));
  }

  /** What of the extracted stem is still to hear, without gaps too short to notice. @param {number} duration */
  missing(duration) {
    const edges = [0, ...this.intervals().flatMap(([start, end]) => [start, end]), duration];
    /** @type {Stretch[]} */
    const gaps = [];
    for (let n = 0; n < edges.length; n += 2) if (edges[n + 1] - edges[n] > rules.shortest_gap) gaps.push([edges[n], edges[n + 1]]);
    return gaps;
  }

  /** @param {number} duration */
  share(duration) {
    return duration ? this.intervals().reduce((sum, [start, end]) => sum + Math.min(end, duration) - start, 0) / duration : 0;
  }

  /** Whether an answer counts by now. @param {number} duration */
  isEnough(duration) {
    return this.share(duration) >= rules.enough_heard;
  }
}
