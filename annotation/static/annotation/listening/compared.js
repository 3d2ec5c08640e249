// @ts-check
// What one listener says of clip after clip: which is before them, which question, and whether both were heard enough for an answer.
import { Heard } from "../shared/heard.js";

/** @typedef {"a" | "b" | "none"} Side */
/** @typedef {{ id: number, length: number, answered: boolean }} Clip */

export class Compared {
  now = 0;
  /** What was said to the first question, while the second is asked. @type {Side | null} */
  better = null;
  heard = new Heard();

  /** @param {Clip[]} clips in this listener's order  @param {boolean} asksLeak  @param {number} enough seconds of each side */
  constructor(clips, asksLeak, enough) {
    this.clips = clips;
    this.asksLeak = asksLeak;
    this.enough = enough;
    this.#goTo(clips.findIndex(({ answered }) => !answered));
  }

  /** @returns {Clip | undefined} none: all are answered */
  get clip() {
    return this.clips[this.now];
  }

  get following() {
    return this.clips.slice(this.now + 1).find(({ answered }) => !answered);
  }

  get left() {
    return this.clips.filter(({ answered }) => !answered).length;
  }

  /** Seconds of a sound that were heard of this clip, each counted once. @param {string} side */
  seconds(side) {
    return this.heard.intervals(side).reduce((sum, [start, end]) => sum + end - start, 0);
  }

  get isHeard() {
    const wanted = this.clip ? Math.min(this.enough, this.clip.length / 2) : 0;
    return ["a", "b"].every((side) => this.seconds(side) >= wanted);
  }

  /** Say something to the question before them; returns the whole answer once there is one. @param {Side} side */
  say(side) {
    if (!this.clip || !this.isHeard) return null;
    if (this.asksLeak && this.better === null) {
      this.better = side;
      return null;
    }
    const [better, leaks] = this.asksLeak ? [this.better, side] : [side, ""];
    const heard = Object.fromEntries(["a", "b", "mix"].map((one) => [one, Math.round(this.seconds(one) * 100) / 100]));
    return { better, leaks_less: leaks, heard };
  }

  /** The answer is kept: go on. */
  kept() {
    if (this.clip) this.clip.answered = true;
    const after = this.clips.findIndex(({ answered }, n) => n > this.now && !answered);
    this.#goTo(after < 0 ? this.clips.findIndex(({ answered }) => !answered) : after);
  }

  /** Back to the first question, or to the clip before. Returns whether the clip is another. */
  back() {
    if (this.better !== null) {
      this.better = null;
      return false;
    }
    if (this.now === 0) return false;
    this.#goTo(this.now - 1);
    return true;
  }

  /** @param {number} number  less than 0: all are answered */
  #goTo(number) {
    this.now = number < 0 ? this.clips.length : number;
    this.better = null;
    this.heard = new Heard();
  }
}
