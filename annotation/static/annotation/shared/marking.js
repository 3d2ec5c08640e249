// Marking while listening: from pressing to letting go, less the time it takes a person to react. What counts is when the key went
// down and up, not when the page came round to it; and what sounded between, so that no loop and no jump turns a mark inside out.

export const REACTION = 0.25; // seconds, until somebody's own is measured
const TAP = 300; // ms: shorter, it is a tap that leaves the mark open until the next
const LATE = 1000; // ms in which a tap may still mean the mark that has just ended by itself
const SHORTEST = 0.02; // seconds
const NEAR = 0.01; // seconds from the clip's end that are its end

/** Stretches of time in order, those that meet joined. */
function joined(stretches) {
  const found = [];
  for (const [start, end] of [...stretches].sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else found.push([start, end]);
  }
  return found;
}

export class Marking {
  #open = null; // {from: clip seconds, since: audio seconds, pressed: ms, held}
  #closed = null; // {moment: ms, leg}: when one ended by itself, on which leg of the course

  /** `add(start, end)` makes a mark, `reaction()` gives seconds, `changed()` is called when one is begun or ended. */
  constructor(player, { add, reaction, changed }) {
    Object.assign(this, { player, add, reaction, changed });
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
    if (moment - open.pressed >= TAP && this.#sounded(until)) return this.#end(until);
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
   * What the open mark covers so far: [[start, end], …] in clip seconds. Held, or over the turn of a loop, it is what sounded; else it
   * goes from one tap to the other, wherever one has been between.
   */
  parts(until = this.player.when()) {
    if (!this.#open) return [];
    const { from, since, held } = this.#open;
    const { course } = this.player;
    const jumps = course.jumps(since, until);
    const heard = jumps.some(({ turn }) => turn) || (held && this.#sounded(until));
    const legs = [];
    let start = from;
    for (const { before, after } of heard ? jumps : []) {
      legs.push([start, before]);
      start = after;
    }
    legs.push([start, course.at(until)]);
    const found = joined(legs.map(([one, other]) => [Math.min(one, other), Math.max(one, other)])).filter(([first, last]) => last > first);
    return found.length ? found : [[from, from]];
  }

  /** End it where the clip ends, and where a loop has been gone round in as a whole. Called often. */
  look() {
    if (!this.#open) return;
    const { course, duration, loop, time } = this.player;
    const here = this.player.when();
    const over = course.resting && time >= duration - NEAR && this.#sounded(here);
    const round = loop && this.parts(here).some(([start, end]) => start <= loop.start + NEAR && end >= loop.end - NEAR);
    if (!over && !round) return;
    this.#end(here);
    this.#closed = { moment: performance.now(), leg: course.number };
  }

  /** The audio second at which somebody who pressed or let go at a moment heard what they mean: no sooner than where it last jumped to. */
  #edge(moment) {
    const { course } = this.player;
    const at = this.player.when(moment);
    if (!course.sounds(at)) return at;
    const reaction = this.reaction();
    const jump = course.jumps(at - reaction, at).at(-1)?.at ?? -Infinity;
    return Math.max(at - reaction, jump);
  }

  #sounded(until) {
    return this.player.course.sounded(this.#open.since, until).length > 0;
  }

  #end(until) {
    const parts = this.parts(until);
    this.#open = null;
    for (const [start, end] of parts) if (end - start >= SHORTEST) this.add(start, end);
    this.changed();
  }
}
