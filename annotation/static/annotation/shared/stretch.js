// @ts-check
// Sound played faster or slower at the same pitch: short pieces of it, each beginning where it goes on best from the one before (WSOLA;
// Verhelst and Roelands, ICASSP 1993, doi:10.1109/ICASSP.1993.319366). All stems of a clip take the same pieces and stay in step.

const HOP = 0.02; // seconds between two pieces as they are played; each lasts two of these
const WANDER = 0.01; // seconds that a piece may lie from where its time is
const COARSE = 8; // samples, in which the best place is looked for first

/**
 * Where the pieces begin in the samples of a sound, for playing it `rate` times as fast.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 * @param {number} rate
 */
export function pieces(samples, sampleRate, rate) {
  const hop = Math.round(HOP * sampleRate);
  const wander = Math.round(WANDER * sampleRate);
  const n = Math.ceil(samples.length / rate / hop) + 1;
  const found = new Int32Array(n);
  /** How well a piece from `at` goes on from what follows on the last, every `step`-th sample compared. @param {number} at  @param {number} goesOn  @param {number} step */
  const fit = (at, goesOn, step) => {
    let sum = 0;
    for (let i = 0; i < 2 * hop; i += step) sum += (samples[at + i] ?? 0) * (samples[goesOn + i] ?? 0);
    return sum;
  };
  for (let k = 1; k < n; k += 1) {
    const [due, goesOn] = [Math.round(k * hop * rate), found[k - 1] + hop];
    let [best, most] = [due, fit(due, goesOn, COARSE)];
    const look = (/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ by) => {
      for (let at = Math.max(0, from); at <= to; at += by) {
        const fits = fit(at, goesOn, COARSE);
        if (fits > most) [best, most] = [at, fits];
      }
    };
    look(due - wander, due + wander, COARSE / 2);
    look(best - COARSE / 2 + 1, best + COARSE / 2 - 1, 1);
    found[k] = best;
  }
  return found;
}

/**
 * These pieces of a channel, faded into each other: `rate` times as short.
 * @param {Float32Array} samples
 * @param {Int32Array} starts
 * @param {number} sampleRate
 * @param {number} rate
 */
export function joinPieces(samples, starts, sampleRate, rate) {
  const hop = Math.round(HOP * sampleRate);
  const made = new Float32Array(Math.ceil(samples.length / rate));
  const rise = Float32Array.from({ length: hop }, (_, i) => (1 - Math.cos((Math.PI * i) / hop)) / 2);
  for (let k = 0; k < starts.length; k += 1) {
    const [from, to] = [starts[k], k * hop];
    for (let i = 0; i < hop; i += 1) if (to + i < made.length) made[to + i] += (k ? rise[i] : 1) * (samples[from + i] ?? 0);
    for (let i = 0; i < hop; i += 1) if (to + hop + i < made.length) made[to + hop + i] += (1 - rise[i]) * (samples[from + hop + i] ?? 0);
  }
  return made;
}

/** What a clip's stems sound like at a speed, made once. */
export class Stretched {
  #rate = 1;
  /** @type {Int32Array | null} */
  #starts = null;
  /** @type {Map<AudioBuffer, AudioBuffer>} */
  #made = new Map();

  /** Another clip comes. */
  forget() {
    this.#starts = null;
    this.#made.clear();
  }

  /** @param {Record<string, AudioBuffer>} buffers  @param {number} rate  @returns {Record<string, AudioBuffer>} */
  of(buffers, rate) {
    if (rate === 1) return buffers;
    if (rate !== this.#rate) this.forget();
    this.#rate = rate;
    return Object.fromEntries(Object.entries(buffers).map(([stem, buffer]) => [stem, this.#one(buffer, rate)]));
  }

  /** @param {AudioBuffer} buffer  @param {number} rate */
  #one(buffer, rate) {
    const known = this.#made.get(buffer);
    if (known) return known;
    const { sampleRate, numberOfChannels } = buffer;
    const starts = (this.#starts ??= pieces(buffer.getChannelData(0), sampleRate, rate));
    const made = new AudioBuffer({ length: Math.ceil(buffer.length / rate), numberOfChannels, sampleRate });
    for (let n = 0; n < numberOfChannels; n += 1) made.copyToChannel(joinPieces(buffer.getChannelData(n), starts, sampleRate, rate), n);
    this.#made.set(buffer, made);
    return made;
  }
}
