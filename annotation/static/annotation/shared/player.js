// @ts-check
// One Web Audio clock for all that can be heard of a clip: every stem starts at the same sample and only its level changes, so
// that switching neither stops nor shifts anything. Media elements, each with a clock of its own, drift by up to 0.12 s.
import { Clock } from "./clock.js";
import { Course } from "./course.js";
import { rules } from "./rules.js";
import { Stretched } from "./stretch.js";

/** What can be listened to: what was extracted, which the campaign names, and what it came from. @type {Stem[]} */
export const STEMS = [rules.to_name, "mix", "removed"];
export const FADE = 0.005; // seconds; long enough not to click, too short to be heard as a gap
const AHEAD = 0.02; // seconds between the order to start and the first sample

/** @typedef {ReturnType<typeof startTogether>} Run */

/**
 * Connect one source per buffer, all starting at `when` (context seconds) from `offset` (clip seconds), each through its own
 * gain; `length` is how much to play without a loop. Works in an OfflineAudioContext too.
 * @param {BaseAudioContext} context
 * @param {Record<string, AudioBuffer>} buffers
 * @param {AudioNode} destination
 * @param {{ when: number, offset: number, loop?: Part | null, length: number }} how
 */
export function startTogether(context, buffers, destination, { when, offset, loop = null, length }) {
  const grid = (/** @type {number} */ seconds) => Math.round(seconds * context.sampleRate) / context.sampleRate; // whole samples: no stem is resampled
  /** @type {AudioBufferSourceNode[]} */
  const sources = [];
  /** @type {Record<string, GainNode>} */
  const gains = {};
  const envelope = new GainNode(context, { gain: 0 });
  const run = { when: grid(when), offset: grid(offset), loop, sources, gains, envelope };
  run.envelope.gain.setValueAtTime(0, run.when);
  run.envelope.gain.linearRampToValueAtTime(1, run.when + FADE);
  run.envelope.connect(destination);
  for (const [stem, buffer] of Object.entries(buffers)) {
    const source = new AudioBufferSourceNode(context, { buffer });
    if (loop) Object.assign(source, { loop: true, loopStart: grid(loop.start), loopEnd: grid(loop.end) });
    run.gains[stem] = new GainNode(context, { gain: 0 });
    source.connect(run.gains[stem]).connect(run.envelope);
    if (loop) source.start(run.when, run.offset);
    else source.start(run.when, run.offset, length);
    run.sources.push(source);
  }
  return run;
}

/**
 * Fade every stem of a run to its level (0 to let it rest), all beginning at `at`, context seconds.
 * @param {Run} run
 * @param {Record<string, number>} levels
 * @param {number} at
 */
export function fade(run, levels, at) {
  for (const [stem, { gain }] of Object.entries(run.gains)) {
    gain.cancelScheduledValues(at);
    gain.setValueAtTime(gain.value, at);
    gain.linearRampToValueAtTime(levels[stem] ?? 0, at + FADE);
  }
}

export class Player {
  /** @type {Run | null} */
  #run = null;
  #told = 0; // the audio second up to which it has told what sounded
  /** @type {Part | null} */
  #loop = null;
  #rate = 1;
  #equal = true;
  #volume = 1;
  #muted = false;
  duration = 0;
  /** @type {Record<string, AudioBuffer>} */
  buffers = {};
  /** @type {Record<string, number>} */
  levels = {};
  course = new Course();
  #stretched = new Stretched();
  /** @type {Stem} */
  stem = STEMS[0];

  /**
   * `changed` is called whenever it starts, stops, jumps, or another stem begins to sound; `sounded` with every stretch, clip
   * seconds, that somebody could hear.
   * @param {AudioContext} context
   * @param {{ changed?: () => void, sounded?: (stem: Stem, start: number, end: number) => void }} act
   */
  constructor(context, { changed = () => {}, sounded = () => {} } = {}) {
    this.context = context;
    this.changed = changed;
    this.sounded = sounded;
    this.clock = new Clock(context);
    this.out = new GainNode(context);
    this.out.connect(context.destination);
  }

  /** Play this clip from now on, levels being the gains that make the stems equally loud. @param {Pick<Clip, "duration" | "buffers" | "levels">} clip */
  load({ duration, buffers, levels }) {
    this.unload();
    Object.assign(this, { duration, buffers, levels });
  }

  /** All of the clip's stems are there now, and how loud each is to be: play on with them. @param {Pick<Clip, "buffers" | "levels">} clip */
  complete({ buffers, levels }) {
    this.#again(() => Object.assign(this, { buffers, levels }));
  }

  unload() {
    this.#stop();
    this.#stretched.forget();
    this.course = new Course();
    this.#loop = null;
    Object.assign(this, { duration: 0, buffers: {}, levels: {} });
  }

  get playing() {
    return this.#run !== null;
  }

  get rate() {
    return this.#rate;
  }

  set rate(rate) {
    this.#again(() => (this.#rate = rate));
  }

  get loop() {
    return this.#loop;
  }

  /** What to go round in, or null. */
  set loop(stretch) {
    this.#again(() => (this.#loop = stretch));
  }

  get equalLoudness() {
    return this.#equal;
  }

  set equalLoudness(equal) {
    this.#equal = equal;
    this.listen(this.stem);
  }

  /** How loud all of it is, 0 to 1. Whoever chooses wants to hear it. */
  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#level(Math.max(0, Math.min(volume, 1)), false);
  }

  get muted() {
    return this.#muted;
  }

  set muted(muted) {
    this.#level(this.#volume, muted);
  }

  /** Clip seconds of what is heard now. */
  get time() {
    return this.course.at(this.#now);
  }

  /** The audio second that was heard at a moment of the page's clock, ms as in event.timeStamp; at rest, what was done since counts. */
  when(moment = performance.now()) {
    const at = this.clock.at(moment);
    return this.course.resting ? Math.max(at, this.course.since) : at;
  }

  /** The clip second that was heard at a moment. @param {number} moment */
  at(moment) {
    return this.course.at(this.when(moment));
  }

  /** Tell of what has sounded since it was last told. Called every now and then, and before anything changes. */
  tell(until = this.#now) {
    this.clock.look();
    if (!this.#silent) for (const [start, end] of this.course.sounded(this.#told, until)) this.sounded(this.stem, start, end);
    this.#told = until;
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Play on; `until` stops there. At the end it begins again. @param {number | null} until */
  play(until = null) {
    if (this.playing || !this.buffers[this.stem]) return;
    if (this.context.state !== "running") void this.context.resume();
    if (this.time >= this.duration - 0.01) this.#goTo(0);
    this.#start(until);
    this.changed();
  }

  pause() {
    if (!this.playing) return;
    this.#stop();
    this.changed();
  }

  /** @param {number} time */
  seek(time) {
    const to = Math.max(0, Math.min(time, this.duration));
    if (this.#loop && (to < this.#loop.start || to >= this.#loop.end)) this.#loop = null; // to leave a loop is to end it
    this.#again(() => this.#goTo(to));
    this.changed();
  }

  /** @param {number} start  @param {number} end */
  playRange(start, end) {
    this.pause();
    this.#loop = null;
    this.#goTo(start);
    this.play(end);
  }

  /** Let this stem sound, if it is there yet; the position does not change. @param {Stem} stem */
  listen(stem) {
    if (this.duration && !this.buffers[stem]) return;
    this.tell(); // until here the other was heard
    this.stem = stem;
    if (this.#run) fade(this.#run, this.#targets(), this.context.currentTime);
    this.changed();
  }

  /** The audio second that is heard now; it never goes back, as the clock does when its latency changes. */
  get #now() {
    return Math.max(this.#told, this.clock.now);
  }

  get #silent() {
    return this.#muted || this.#volume === 0;
  }

  /** @param {number} volume  @param {boolean} muted */
  #level(volume, muted) {
    this.tell(); // until here it was as loud as before
    this.#volume = volume;
    this.#muted = muted;
    this.out.gain.setTargetAtTime(this.#silent ? 0 : volume, this.context.currentTime, FADE);
    this.changed();
  }

  #targets() {
    return { [this.stem]: this.#equal ? (this.levels[this.stem] ?? 1) : 1 };
  }

  /** @param {number} time */
  #goTo(time) {
    this.course.rest(this.#now, time);
  }

  /** Change something about how it plays, without a break if it does. @param {() => void} change */
  #again(change) {
    const played = this.playing;
    this.#stop();
    change();
    if (played) this.#start();
  }

  /** @param {number | null} until */
  #start(until = null) {
    const { context } = this;
    const buffers = this.#stretched.of(this.buffers, this.#rate); // takes a moment
    const loop = this.#loop;
    if (loop && !(this.time >= loop.start && this.time < loop.end)) this.#goTo(loop.start);
    const end = Math.min(until ?? this.duration, this.duration);
    const offset = this.time;
    const settings = { when: context.currentTime + AHEAD, offset, rate: this.#rate, loop, length: Math.max(0, end - offset) };
    const rate = this.#rate; // what is played is that much shorter, at the same pitch
    const shorter = { when: settings.when, offset: offset / rate, loop: loop && { start: loop.start / rate, end: loop.end / rate }, length: settings.length / rate };
    const run = (this.#run = startTogether(context, buffers, this.out, shorter));
    this.course.play(this.#now, { ...settings, end });
    const targets = this.#targets();
    for (const [stem, node] of Object.entries(run.gains)) node.gain.value = targets[stem] ?? 0;
    run.sources[0].addEventListener("ended", () => {
      if (this.#run !== run) return;
      this.#stop(settings.when + settings.length / settings.rate); // what is on its way to the ear will be heard
      this.changed();
    });
  }

  #stop(at = this.#now) {
    const run = this.#run;
    if (!run) return;
    this.#run = null;
    this.tell(at);
    this.course.rest(at, this.course.at(at));
    const now = this.context.currentTime;
    run.envelope.gain.cancelScheduledValues(now);
    run.envelope.gain.setValueAtTime(run.envelope.gain.value, now);
    run.envelope.gain.linearRampToValueAtTime(0, now + FADE);
    for (const source of run.sources) source.stop(now + FADE);
  }
}
