// @ts-check
// All sounds of a whole track on one Web Audio clock. They come in parts of some seconds, since decoded whole they would fill the
// memory: each part of each sound starts at the moment that the clock has for it, whenever it came, so that all are in step to the
// sample; only levels change when another one is listened to.
import { Clock } from "../shared/clock.js";
import { FADE } from "../shared/player.js";

const AHEAD = 0.05; // seconds between the order to start and the first sample
const SOON = 10; // seconds before it begins at which the next part is fetched

/** @typedef {{ source: AudioBufferSourceNode, envelope: GainNode }} Running */

export class PartsPlayer {
  #origin = 0; // the audio second at which second 0 of the track would have begun
  #at = 0; // track seconds: where it rests, or began to play
  /** @type {number | null} */
  #until = null;
  #run = 0; // counts runs, so that what comes late for one is not started in the next
  /** @type {Map<string, Promise<AudioBuffer>>} by part and sound */
  #asked = new Map();
  /** @type {Map<string, Running>} */
  #running = new Map();
  /** @type {Map<string, GainNode>} of each sound that was ever wanted */
  #gains = new Map();
  #volume = 1;
  /** @type {"rest" | "waiting" | "playing"} */
  state = "rest";

  /**
   * `fetchPart` brings part `number` of a sound; `changed` is told whenever it starts, stops, waits or jumps, `failed` what went wrong.
   * @param {AudioContext} context
   * @param {{ duration: number, part: number, overlap: number, sounds: string[] }} track
   * @param {{ fetchPart: (sound: string, number: number) => Promise<AudioBuffer>, changed?: () => void, failed?: (error: unknown) => void }} act
   */
  constructor(context, { duration, part, overlap, sounds }, { fetchPart, changed = () => {}, failed = () => {} }) {
    this.context = context;
    this.duration = duration;
    this.part = part;
    this.overlap = overlap;
    this.fetchPart = fetchPart;
    this.changed = changed;
    this.failed = failed;
    this.sound = sounds[0];
    this.clock = new Clock(context);
    this.out = new GainNode(context);
    this.out.connect(context.destination);
    for (const sound of sounds) this.#want(sound);
  }

  /** The track second that is heard now. */
  get time() {
    if (this.state !== "playing") return this.#at;
    return Math.max(this.#at, Math.min(this.clock.now - this.#origin, this.#until ?? this.duration));
  }

  /** The number of the part that a second lies in. @param {number} time */
  partAt(time) {
    return Math.max(0, Math.min(Math.floor(time / this.part), Math.ceil((this.duration - this.overlap) / this.part) - 1));
  }

  toggle() {
    if (this.state === "rest") void this.play();
    else this.pause();
  }

  /** Play on as soon as the sound is there; `until` stops there. At the end it begins again. @param {number | null} until */
  async play(until = null) {
    if (this.state !== "rest") return;
    if (this.context.state !== "running") void this.context.resume();
    if (this.#at >= this.duration - 0.05) this.#at = 0;
    this.#until = until;
    const run = (this.#run += 1);
    this.state = "waiting";
    this.changed();
    try {
      await this.#buffer(this.partAt(this.#at), this.sound);
    } catch (error) {
      if (run === this.#run) this.#stop(this.#at);
      return this.failed(error);
    }
    if (run !== this.#run || this.state !== "waiting") return;
    this.#origin = this.context.currentTime + AHEAD - this.#at;
    this.state = "playing";
    if (until !== null) this.#endAt(this.#origin + until);
    this.look();
    this.changed();
  }

  pause() {
    if (this.state !== "rest") this.#stop(this.time);
  }

  /** @param {number} time */
  seek(time) {
    const on = this.state !== "rest";
    this.#stop(Math.max(0, Math.min(time, this.duration)));
    if (on) void this.play();
  }

  /** @param {number} start  @param {number} end */
  playRange(start, end) {
    this.#stop(Math.max(0, start));
    void this.play(Math.min(end, this.duration));
  }

  /** Let this sound be heard; the position does not change. @param {string} sound */
  listen(sound) {
    this.#want(sound);
    this.sound = sound;
    const at = this.context.currentTime;
    for (const [name, { gain }] of this.#gains) {
      gain.cancelScheduledValues(at);
      gain.setValueAtTime(gain.value, at);
      gain.linearRampToValueAtTime(name === sound ? 1 : 0, at + FADE);
    }
    this.look();
    this.changed();
  }

  /** Called every now and then: fetch and start what comes next, and stop at the end. */
  look() {
    this.clock.look();
    if (this.state !== "playing") return;
    const now = this.context.currentTime - this.#origin;
    const end = this.#until ?? this.duration;
    if (this.time >= end) return this.#stop(end);
    const number = this.partAt(now);
    const following = (number + 1) * this.part;
    for (const one of following < this.duration - this.overlap && following - now < SOON ? [number, number + 1] : [number]) {
      for (const sound of this.#gains.keys()) void this.#begin(one, sound);
    }
    for (const key of this.#asked.keys()) if (Math.abs(Number(key.split(" ")[0]) - number) > 1) this.#asked.delete(key);
  }

  /** @param {string} sound */
  #want(sound) {
    if (this.#gains.has(sound)) return;
    const gain = new GainNode(this.context, { gain: sound === this.sound ? 1 : 0 });
    gain.connect(this.out);
    this.#gains.set(sound, gain);
  }

  /** @param {number} number  @param {string} sound */
  #buffer(number, sound) {
    const key = `${number} ${sound}`;
    const known = this.#asked.get(key);
    if (known) return known;
    const asked = this.fetchPart(sound, number);
    this.#asked.set(key, asked);
    asked.catch(() => this.#asked.delete(key)); // tried again when asked again
    return asked;
  }

  /** Start a part of a sound where the clock has it, now or later; too late for its beginning, from where all others are. @param {number} number  @param {string} sound */
  async #begin(number, sound) {
    const [key, run] = [`${number} ${sound}`, this.#run];
    if (this.#running.has(key)) return;
    /** @type {AudioBuffer} */
    let buffer;
    try {
      buffer = await this.#buffer(number, sound);
    } catch (error) {
      if (sound === this.sound && run === this.#run) this.failed(error);
      return;
    }
    if (run !== this.#run || this.state !== "playing" || this.#running.has(key)) return;
    const { context } = this;
    const first = this.#origin + number * this.part;
    const when = Math.max(first, context.currentTime + AHEAD / 2);
    const last = first + this.part; // from here on the next part fades in over this one
    if (when - first >= buffer.duration) return;
    const source = new AudioBufferSourceNode(context, { buffer });
    const envelope = new GainNode(context, { gain: 0 });
    envelope.gain.setValueAtTime(0, when);
    envelope.gain.linearRampToValueAtTime(1, when + (number > 0 && when === first ? this.overlap : FADE));
    if (last < this.#origin + this.duration - this.overlap && when < last) {
      envelope.gain.setValueAtTime(1, last);
      envelope.gain.linearRampToValueAtTime(0, last + this.overlap);
    }
    source.connect(envelope).connect(/** @type {GainNode} */ (this.#gains.get(sound)));
    source.start(when, when - first);
    this.#running.set(key, { source, envelope });
    source.addEventListener("ended", () => this.#running.get(key)?.source === source && this.#running.delete(key));
  }

  /** @param {number} at  audio second */
  #endAt(at) {
    this.out.gain.setValueAtTime(this.out.gain.value, at - FADE);
    this.out.gain.linearRampToValueAtTime(0, at);
  }

  /** Rest at this second of the track. @param {number} time */
  #stop(time) {
    const now = this.context.currentTime;
    this.#run += 1;
    for (const { source, envelope } of this.#running.values()) {
      envelope.gain.cancelScheduledValues(now);
      envelope.gain.setValueAtTime(envelope.gain.value, now);
      envelope.gain.linearRampToValueAtTime(0, now + FADE);
      source.stop(now + FADE);
    }
    this.#running.clear();
    this.out.gain.cancelScheduledValues(now);
    this.out.gain.setValueAtTime(this.volume, now + 2 * FADE);
    this.#at = time;
    this.#until = null;
    this.state = "rest";
    this.changed();
  }

  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#volume = volume;
    this.out.gain.setTargetAtTime(volume, this.context.currentTime, FADE);
  }
}
