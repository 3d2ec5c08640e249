// Marking while listening: from pressing to letting go, less the time it takes a person to react.

export const REACTION = 0.25; // seconds, until somebody's own is measured
const TAP = 300; // ms: shorter, it is a tap that leaves the mark open until the next
const SHORTEST = 0.02; // seconds

export class Marking {
  #from = null;
  #pressed = null;

  /** `add(start, end)` makes a mark, `reaction()` gives seconds, `changed()` is called when one is begun or ended. */
  constructor(player, { add, reaction, changed }) {
    Object.assign(this, { player, add, reaction, changed });
  }

  /** Where the open mark begins, clip seconds, or null. */
  get from() {
    return this.#from;
  }

  press() {
    this.#pressed = performance.now();
    if (this.#from === null) this.#from = this.#here();
    else this.#end();
    this.changed();
  }

  release() {
    if (this.#pressed === null) return;
    const held = performance.now() - this.#pressed >= TAP && this.player.playing;
    this.#pressed = null;
    if (held && this.#from !== null) this.#end();
    this.changed();
  }

  /** Forget an open mark. */
  drop() {
    this.#from = this.#pressed = null;
    this.changed();
  }

  #here() {
    const { time, playing, rate } = this.player;
    return playing ? Math.max(0, time - this.reaction() * rate) : time;
  }

  #end() {
    const here = this.#here();
    const [start, end] = [Math.min(this.#from, here), Math.max(this.#from, here)];
    this.#from = null;
    this.#pressed = null;
    if (end - start >= SHORTEST) this.add(start, end);
  }
}
