// @ts-check
// The course that play took: which second of the clip was heard when, on the audio clock. From it follow what somebody has
// listened to, and what sounded between the pressing of a key and its letting go.

/**
 * A stretch of play, or of rest, which has rate 0: since when (audio seconds) it goes from `offset` (clip seconds), whose sample comes
 * at `when`, up to `end` or round in `loop`; from `until` on it is over.
 * @typedef {{ since: number, when: number, offset: number, rate: number, loop: Part | null, end: number, until: number }} Leg
 * @typedef {{ at: number, before: number, after: number, turn: boolean }} Jump
 */

const MOST = 4000; // legs that are remembered
const SAME = 1e-6; // seconds of the clip

/**
 * Where a leg is at audio second `at`, clip seconds.
 * @param {Leg} leg
 * @param {number} at
 */
function place(leg, at) {
  if (!leg.loop && at >= leg.until) return leg.end;
  const went = leg.offset + Math.max(0, Math.min(at, leg.until) - leg.when) * leg.rate;
  if (!leg.loop || went < leg.loop.end) return went;
  return leg.loop.start + ((went - leg.loop.end) % (leg.loop.end - leg.loop.start));
}

/**
 * The audio seconds, after `from` and up to `to`, at which a leg turned back to where its loop starts.
 * @param {Leg} leg
 * @param {number} from
 * @param {number} to
 */
function turns({ when, offset, rate, loop, until }, from, to) {
  /** @type {number[]} */
  const found = [];
  if (!loop) return found;
  const [first, each] = [when + (loop.end - offset) / rate, (loop.end - loop.start) / rate];
  for (let n = Math.max(0, Math.floor((from - first) / each)); first + n * each <= Math.min(to, until); n += 1) {
    if (first + n * each > from) found.push(first + n * each);
  }
  return found;
}

export class Course {
  /** @type {Leg[]} */
  #legs = [];
  number = 0; // of the leg that it is on; two may begin at one audio second, where the clock stands

  constructor() {
    this.rest(-Infinity, 0);
  }

  get #last() {
    return this.#legs[this.#legs.length - 1];
  }

  get resting() {
    return this.#last.rate === 0;
  }

  /** The audio second since which it has rested or played on like this. */
  get since() {
    return this.#last.since;
  }

  /**
   * From audio second `since` on it rests at clip second `offset`.
   * @param {number} since
   * @param {number} offset
   */
  rest(since, offset) {
    this.#add({ since, when: 0, offset, rate: 0, loop: null, end: offset, until: Infinity });
  }

  /**
   * From audio second `since` on it plays from clip second `offset`, whose sample comes at `when`, up to `end` or round in `loop`.
   * @param {number} since
   * @param {Pick<Leg, "when" | "offset" | "rate" | "loop" | "end">} how
   */
  play(since, { when, offset, rate, loop, end }) {
    const until = loop ? Infinity : when + Math.max(0, end - offset) / rate;
    this.#add({ since, when, offset, rate, loop, end, until });
  }

  /** The clip second that was heard at an audio second. @param {number} audio */
  at(audio) {
    return place(this.#leg(audio), audio);
  }

  /** Whether anything sounded at an audio second. @param {number} audio */
  sounds(audio) {
    const { rate, until } = this.#leg(audio);
    return rate > 0 && audio < until;
  }

  /**
   * The stretches of the clip that sounded between two audio seconds, a new one wherever it jumped.
   * @param {number} from
   * @param {number} to
   */
  sounded(from, to) {
    /** @type {Stretch[]} */
    const found = [];
    for (const leg of this.#between(from, to)) {
      const [first, last] = [Math.max(from, leg.when), Math.min(to, leg.until)];
      if (!leg.rate || last <= first) continue;
      let [start, since] = [place(leg, first), first];
      for (const turn of turns(leg, first, last)) {
        const loop = /** @type {Part} */ (leg.loop);
        found.push([start, loop.end]);
        [start, since] = [loop.start, turn];
      }
      found.push([start, start + (last - since) * leg.rate]);
    }
    return found.filter(([start, end]) => end > start);
  }

  /**
   * Where it did not go on from where it was, after one audio second and up to another; `turn` for that of a loop.
   * @param {number} from
   * @param {number} to
   */
  jumps(from, to) {
    /** @type {Jump[]} */
    const found = [];
    /** @type {Leg | null} */
    let before = null;
    for (const leg of this.#between(from, to)) {
      if (before && leg.since > from) {
        const was = place(before, leg.since);
        if (Math.abs(was - leg.offset) > SAME) found.push({ at: leg.since, before: was, after: leg.offset, turn: false });
      }
      const { loop } = leg;
      if (loop) for (const at of turns(leg, from, to)) found.push({ at, before: loop.end, after: loop.start, turn: true });
      before = leg;
    }
    return found;
  }

  /** @param {Leg} leg */
  #add(leg) {
    const last = this.#last;
    if (last) {
      leg.since = Math.max(leg.since, last.since);
      last.until = Math.min(last.until, leg.since);
      if (!last.loop && last.rate) last.end = Math.min(last.end, last.offset + Math.max(0, last.until - last.when) * last.rate);
    }
    this.number += 1;
    this.#legs.push(leg);
    if (this.#legs.length > MOST) this.#legs.splice(0, MOST / 2);
  }

  /** @param {number} audio */
  #leg(audio) {
    return this.#legs.findLast(({ since }) => since <= audio) ?? this.#legs[0];
  }

  /** The leg at `from` and those that began after it, up to `to`. @param {number} from  @param {number} to */
  #between(from, to) {
    const first = this.#legs.findLastIndex(({ since }) => since <= from);
    return this.#legs.slice(Math.max(0, first)).filter(({ since }) => since <= to);
  }
}
