// @ts-check
// Marking while listening: from pressing to letting go, less the time it takes a person to react. What counts is when the key went
// down and up, not when the page came round to it; and what sounded between, so that no loop and no jump turns a mark inside out.

import { rules } from "./rules.js";

/** @typedef {import("./player.js").Player} Player */

export const REACTION = 0.25; // seconds, until somebody's own is measured
const TAP = 300; // ms: shorter, it is a tap that leaves the mark open until the next
const LATE = 1000; // ms in which a tap may still mean the mark that has just ended by itself
const NEAR = 0.01; // seconds from the clip's end that are its end

/** Stretches of time in order, those that meet joined. @param {Stretch[]} stretches */
function joined(stretches) {
  /** @type {Stretch[]} */
  const found = [];
  for (const [start, end] of [...stretches].sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else found.push([start, end]);
  }
  return found;
}

export class Marking {
  /** @type {{ from: number, since: number, pressed: number, held: boolean } | null} clip seconds, audio seconds, ms */
  #open = null;
  /** @type {{ moment: number, leg: number } | null} when (ms) one ended by itself, on which leg of the course */
  #closed = null;

  /**
   * `add` makes a mark, `reaction` gives seconds, `changed` is called when one is begun or ended.
   * @param {Pick<Player, "course" | "duration" | "loop" | "time" | "when">} player
   * @param {{ add: (start: number, end: number) => void, reaction: () => number, changed: () => void }} act
   */
  constructor(player, { add, reaction, changed }) {
    this.player = player;
    this.add = add;
    this.reaction = reaction;
    this.changed = changed;
  }

  /** Where the open mark begins, clip seconds, or null. */
  get from() {
    return this.#open?.from ?? null;
  }

  /** Whether the key, button or finger is down that holds it open. */
  get held() {
    return this.#open?.held ?? false;
  }

  /** `moment`, as everywhere here, is the event's own: ms of the page's clock. */
  press(moment = performance.now()) {
    if (this.#open) return this.#end(this.#edge(moment));
    const { course } = this.player;
    if (this.#closed?.leg === course.number && moment - this.#closed.moment < LATE) return; // it was to end what has ended
    const since = this.#edge(moment);
    this.#open = { from: course.at(since), since, pressed: moment, held: true };
    this.changed();
  }

  release(moment = performance.now(), until = this.#edge(moment)) {
    const open = this.#open;
    if (!open?.held) return;
    if (moment - open.pressed >= TAP && this.#sounded(open.since, until)) return this.#end(until);
    open.held = false;
    this.changed();
  }

  /** The key is held somewhere else, where nobody can tell when it comes up: nobody reacted, so nothing is taken off. */
  lose(moment = performance.now()) {
    this.release(moment, this.player.when(moment));
  }

  /** End the open mark where the sound is now. */
  finish() {
    if (this.#open) this.#end(this.player.when());
  }

  /** Forget the open mark. Returns whether there was one. */
  drop() {
    const was = this.#open !== null;
    this.#open = null;
    this.changed();
    return was;
  }

  /**
   * What the open mark covers so far, clip seconds. Held, or over the turn of a loop, it is what sounded; else it goes from one tap to
   * the other, wherever one has been between.
   * @returns {Stretch[]}
   */
  parts(until = this.player.when()) {
    if (!this.#open) return [];
    const { from, since, held } = this.#open;
    const { course } = this.player;
    const jumps = course.jumps(since, until);
    const heard = jumps.some(({ turn }) => turn) || (held && this.#sounded(since, until));
    /** @type {Stretch[]} */
    const legs = [];
    let start = from;
    for (const { before, after } of heard ? jumps : []) {
      legs.push([start, before]);
      start = after;
    }
    legs.push([start, course.at(until)]);
    const forward = legs.map(([one, other]) => /** @type {Stretch} */ ([Math.min(one, other), Math.max(one, other)]));
    const found = joined(forward).filter(([first, last]) => last > first);
    return found.length ? found : [[from, from]];
  }

  /** End it where the clip ends, and where a loop has been gone round in as a whole. Called often. */
  look() {
    if (!this.#open) return;
    const { course, duration, loop, time } = this.player;
    const here = this.player.when();
    const over = course.resting && time >= duration - NEAR && this.#sounded(this.#open.since, here);
    const round = loop && this.parts(here).some(([start, end]) => start <= loop.start + NEAR && end >= loop.end - NEAR);
    if (!over && !round) return;
    this.#end(here);
    this.#closed = { moment: performance.now(), leg: course.number };
  }

  /** The audio second at which somebody who pressed or let go at a moment heard what they mean: no sooner than where it last jumped to. @param {number} moment */
  #edge(moment) {
    const { course } = this.player;
    const at = this.player.when(moment);
    if (!course.sounds(at)) return at;
    const reaction = this.reaction();
    const jump = course.jumps(at - reaction, at).at(-1)?.at ?? -Infinity;
    return Math.max(at - reaction, jump);
  }

  /** @param {number} since  @param {number} until  both audio seconds */
  #sounded(since, until) {
    return this.player.course.sounded(since, until).length > 0;
  }

  /** @param {number} until */
  #end(until) {
    const parts = this.parts(until);
    this.#open = null;
    for (const [start, end] of parts) if (end - start >= rules.shortest_mark) this.add(start, end);
    this.changed();
  }
}
