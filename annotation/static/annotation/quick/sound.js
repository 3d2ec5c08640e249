// @ts-check
// Plays one segment of a clip, and says what of it has sounded.

const FADE = 0.01; // seconds; a cut in the middle of a sound clicks

export class Sound {
  /** @type {{ node: AudioBufferSourceNode, from: number, at: number, end: number } | null} */
  #playing = null;

  /** @param {AudioContext} context */
  constructor(context) {
    this.context = context;
  }

  get playing() {
    return this.#playing !== null;
  }

  /**
   * Resolves when the segment has sounded to its end, with true; or with false as soon as it is stopped.
   * @param {AudioBuffer} buffer
   * @param {Stretch} segment
   * @param {(heard: Stretch) => void} heard
   * @returns {Promise<boolean>}
   */
  async play(buffer, [start, end], heard) {
    this.stop();
    await this.context.resume();
    const node = this.context.createBufferSource();
    const gain = this.context.createGain();
    const at = this.context.currentTime;
    const length = Math.min(end, buffer.duration) - start;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(1, at + FADE);
    gain.gain.setValueAtTime(1, Math.max(at + FADE, at + length - FADE));
    gain.gain.linearRampToValueAtTime(0, at + length);
    node.buffer = buffer;
    node.connect(gain).connect(this.context.destination);
    node.start(at, start, length);
    const mine = { node, from: start, at, end };
    this.#playing = mine;
    return new Promise((resolve) => {
      node.addEventListener("ended", () => {
        const whole = this.#playing === mine;
        if (whole) this.#playing = null;
        const reached = whole ? end : Math.min(end, start + Math.max(0, this.context.currentTime - at));
        if (reached > start) heard([start, reached]);
        resolve(whole);
      });
    });
  }

  stop() {
    const playing = this.#playing;
    this.#playing = null;
    playing?.node.stop();
  }
}
