// Which stretches of the clip somebody has listened to, from the play positions that go by.

const GAP = 0.25; // seconds of play position that a late timer may jump without it being a seek

export class Heard {
  constructor() {
    this.stretches = [];
    this.last = null;
  }

  /** Note the play position; `now` is wall-clock seconds. Only what sounds counts: paused or silenced, it breaks off. */
  at(position, sounding, rate, now) {
    const last = this.last;
    this.last = sounding ? { position, now } : null;
    if (!last || !sounding) return;
    const went = position - last.position;
    if (went > 0 && went <= (now - last.now) * rate + GAP) this.#add(last.position, position);
  }

  /** Merged, in order, to the hundredth of a second: [[start, end]], clip seconds. */
  intervals() {
    return this.stretches.map(([start, end]) => [Math.round(start * 100) / 100, Math.round(end * 100) / 100]).filter(([start, end]) => end > start);
  }

  #add(start, end) {
    const apart = this.stretches.filter((s) => s[1] < start - 0.01 || s[0] > end + 0.01);
    const joined = this.stretches.filter((s) => !apart.includes(s));
    const merged = [Math.min(start, ...joined.map((s) => s[0])), Math.max(end, ...joined.map((s) => s[1]))];
    this.stretches = [...apart, merged].sort((a, b) => a[0] - b[0]);
  }
}
