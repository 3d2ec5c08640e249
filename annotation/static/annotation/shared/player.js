// One Web Audio clock for all that can be heard of a clip: every stem starts at the same sample and only its level changes, so
// that switching neither stops nor shifts anything. Media elements, each with a clock of its own, drift by up to 0.12 s.
import { Clock } from "./clock.js";
import { Course } from "./course.js";

export const STEMS = ["vocals", "mix", "removed"];
export const FADE = 0.005; // seconds; long enough not to click, too short to be heard as a gap
export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5]; // the server believes in none that is faster: annotation/core/hearing.py
const AHEAD = 0.02; // seconds between the order to start and the first sample

/**
 * Connect one source per buffer, all starting at `when` (context seconds) from `offset` (clip seconds), each through its own
 * gain. `loop` is {start, end} or null, `length` how much to play without a loop. Works in an OfflineAudioContext too.
 */
export function startTogether(context, buffers, destination, { when, offset, rate = 1, loop = null, length }) {
  const grid = (seconds) => Math.round(seconds * context.sampleRate) / context.sampleRate; // whole samples: no stem is resampled
  const run = { when: grid(when), offset: grid(offset), rate, loop, sources: [], gains: {} };
  run.envelope = new GainNode(context, { gain: 0 });
  run.envelope.gain.setValueAtTime(0, run.when);
  run.envelope.gain.linearRampToValueAtTime(1, run.when + FADE);
  run.envelope.connect(destination);
  for (const [stem, buffer] of Object.entries(buffers)) {
    const source = new AudioBufferSourceNode(context, { buffer, playbackRate: rate });
    if (loop) Object.assign(source, { loop: true, loopStart: grid(loop.start), loopEnd: grid(loop.end) });
    run.gains[stem] = new GainNode(context, { gain: 0 });
    source.connect(run.gains[stem]).connect(run.envelope);
    if (loop) source.start(run.when, run.offset);
    else source.start(run.when, run.offset, length);
    run.sources.push(source);
  }
  return run;
}

/** Fade every stem of a run to its level (0 to let it rest), all beginning at `at`, context seconds. */
export function fade(run, levels, at) {
  for (const [stem, { gain }] of Object.entries(run.gains)) {
    gain.cancelScheduledValues(at);
    gain.setValueAtTime(gain.value, at);
    gain.linearRampToValueAtTime(levels[stem] ?? 0, at + FADE);
  }
}

export class Player {
  #run = null;
  #told = 0; // the audio second up to which it has told what sounded
  #loop = null;
  #rate = 1;
  #equal = true;

  /**
   * `changed` is called whenever it starts, stops, jumps, or another stem begins to sound; `sounded(stem, start, end)` with every
   * stretch, clip seconds, that somebody could hear.
   */
  constructor(context, { changed = () => {}, sounded = () => {} } = {}) {
    Object.assign(this, { context, changed, sounded, clock: new Clock(context), course: new Course() });
    this.stem = "vocals";
    this.unload();
  }

  /** Play this clip from now on: {duration, buffers, levels}, levels being the gains that make the stems equally loud. */
  load({ duration, buffers, levels }) {
    this.unload();
    Object.assign(this, { duration, buffers, levels });
  }

  /** All of the clip's stems are there now, and how loud each is to be: play on with them. */
  complete({ buffers, levels }) {
    this.#again(() => Object.assign(this, { buffers, levels }));
  }

  unload() {
    this.#stop();
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

  /** {start, end} to go round in, or null. */
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

  /** Clip seconds of what is heard now. */
  get time() {
    return this.course.at(this.#now);
  }

  /** The audio second that was heard at a moment of the page's clock, ms as in event.timeStamp; at rest, what was done since counts. */
  when(moment = performance.now()) {
    const at = this.clock.at(moment);
    return this.course.resting ? Math.max(at, this.course.since) : at;
  }

  /** The clip second that was heard at a moment. */
  at(moment) {
    return this.course.at(this.when(moment));
  }

  /** Tell of what has sounded since it was last told. Called every now and then, and before anything changes. */
  tell(until = this.#now) {
    this.clock.look();
    for (const [start, end] of this.course.sounded(this.#told, until)) this.sounded(this.stem, start, end);
    this.#told = until;
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Play on; `until` stops there. At the end it begins again. */
  play(until = null) {
    if (this.playing || !this.buffers[this.stem]) return;
    if (this.context.state !== "running") this.context.resume();
    if (this.time >= this.duration - 0.01) this.#goTo(0);
    this.#start(until);
    this.changed();
  }

  pause() {
    if (!this.playing) return;
    this.#stop();
    this.changed();
  }

  seek(time) {
    const to = Math.max(0, Math.min(time, this.duration));
    if (this.#loop && (to < this.#loop.start || to >= this.#loop.end)) this.#loop = null; // to leave a loop is to end it
    this.#again(() => this.#goTo(to));
    this.changed();
  }

  playRange(start, end) {
    this.pause();
    this.#loop = null;
    this.#goTo(start);
    this.play(end);
  }

  /** Let this stem sound, if it is there yet; the position does not change. */
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

  #targets() {
    return { [this.stem]: this.#equal ? (this.levels[this.stem] ?? 1) : 1 };
  }

  #goTo(time) {
    this.course.rest(this.#now, time);
  }

  /** Change something about how it plays, without a break if it does. */
  #again(change) {
    const played = this.playing;
    this.#stop();
    change();
    if (played) this.#start();
  }

  #start(until = null) {
    const { context } = this;
    const loop = this.#loop;
    if (loop && !(this.time >= loop.start && this.time < loop.end)) this.#goTo(loop.start);
    const end = Math.min(until ?? this.duration, this.duration);
    const offset = this.time;
    const settings = { when: context.currentTime + AHEAD, offset, rate: this.#rate, loop, length: Math.max(0, end - offset) };
    const run = (this.#run = startTogether(context, this.buffers, context.destination, settings));
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
