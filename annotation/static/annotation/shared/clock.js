// @ts-check
// The audio clock, told from the page's: which audio second was heard at a moment, also when the page comes round to it later.

const KEPT = 200; // looks

export class Clock {
  /** @type {{ moment: number, heard: number, running: boolean }[]} what was heard at a moment that the page looked */
  #looks = [];

  /** @param {AudioContext} context */
  constructor(context) {
    this.context = context;
  }

  /** Seconds between a sample's leaving the audio clock and the ear (wireless headphones: 0.2 and more). */
  get latency() {
    return this.context.outputLatency || this.context.baseLatency || 0;
  }

  /** The audio second that is heard now. */
  get now() {
    return this.context.currentTime - this.latency;
  }

  /** Compare the clocks. Called often: in a busy page some browsers know the audio clock only as it was before. */
  look() {
    const { context } = this;
    const moment = performance.now();
    const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp?.() ?? {};
    const exact = performanceTime > 0 ? contextTime + (moment - performanceTime) / 1000 : Infinity; // old while it is suspended
    this.#looks.push({ moment, heard: Math.min(exact, this.now), running: context.state === "running" });
    if (this.#looks.length > KEPT) this.#looks.shift();
  }

  /**
   * The audio second that was heard at a moment of the page's clock, ms as in performance.now() and event.timeStamp.
   * @param {number} moment
   */
  at(moment) {
    this.look();
    const past = Math.min(moment || Infinity, performance.now());
    const look = this.#looks.findLast((one) => one.moment <= past) ?? this.#looks[0];
    return look.heard + (look.running ? (past - look.moment) / 1000 : 0);
  }
}
