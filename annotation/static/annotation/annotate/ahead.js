// @ts-check
// The tasks after the one in hand: reserved, and their sound made ready, before anybody asks for them.

export class Ahead {
  /** @type {Given[]} as the server gave them, their clips decoded, in the order in which they come */
  #ready = [];

  /**
   * `changed` is told how many could be played at once.
   * @param {Pick<import("./answers.js").Answers, "prefetch">} answers
   * @param {Pick<import("../shared/clips.js").Clips, "get" | "only">} clips
   * @param {(n: number) => void} changed
   */
  constructor(answers, clips, changed) {
    this.answers = answers;
    this.clips = clips;
    this.changed = changed;
  }

  /** Fetch what comes after this task, unless `stale` says that the person has gone on. @param {number} task  @param {() => boolean} stale */
  async fetch(task, stale) {
    const fetched = await this.answers.prefetch();
    if (stale() || fetched === null) return;
    const coming = fetched.filter((given) => given.task.id !== task); // begun without asking the server
    this.clips.only([task, ...coming.map(({ task: { id } }) => id)]);
    this.#keep([]);
    for (const given of coming) {
      const whole = await this.#whole(given); // one after the other: the first is needed first
      if (stale()) return;
      if (whole) this.#keep([...this.#ready, given]);
    }
  }

  /** Those that could be played at once, in their order. */
  get coming() {
    return this.#ready;
  }

  get size() {
    return this.#ready.length;
  }

  /** The next one, marked as taken from here, for when the server cannot be asked; undefined: none is left. @returns {Given | undefined} */
  take() {
    const [first, ...rest] = this.#ready;
    this.#keep(rest);
    return first && { ...first, ahead: true };
  }

  /** This task is before the person: it no longer comes. @param {number} task */
  gone(task) {
    this.#keep(this.#ready.filter((given) => given.task.id !== task));
  }

  /** Whether all of its clip could be loaded. @param {Given} given */
  async #whole(given) {
    try {
      await (await this.clips.get(given)).whole;
      return true;
    } catch {
      return false;
    }
  }

  /** @param {Given[]} ready */
  #keep(ready) {
    this.#ready = ready;
    this.changed(ready.length);
  }
}
