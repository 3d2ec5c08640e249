// @ts-check
// One clip's questions: its segments, what was said of each, and both in Label Studio's JSON.

/** @typedef {"yes" | "no" | "cannot tell"} Said */

export class Asked {
  /** @type {(Said | null)[]} */
  said;
  now = 0; // the question before the person

  /** `result` is what was said before. @param {Stretch[]} segments  @param {Result | null} result */
  constructor(segments, result) {
    this.segments = segments;
    this.said = segments.map(() => null);
    for (const { type, value } of result ?? []) {
      const [word] = /** @type {{ choices?: Said[] }} */ (value).choices ?? [];
      const number = segments.findIndex(([start, end]) => Math.abs(start - value.start) < 0.011 && Math.abs(end - value.end) < 0.011);
      if (type === "choices" && word && number >= 0) this.said[number] = word;
    }
    this.now = Math.max(0, this.said.indexOf(null));
  }

  get done() {
    return !this.said.includes(null);
  }

  get segment() {
    return this.segments[this.now];
  }

  /** @param {Said} word */
  answer(word) {
    this.said[this.now] = word;
  }

  /** To the next question; false: that was the last. */
  next() {
    if (this.now + 1 >= this.segments.length) return false;
    this.now += 1;
    return true;
  }

  /** Take the last answer back, and ask again; false: there is none in this clip. */
  undo() {
    if (this.said[this.now] === null) {
      if (!this.now) return false;
      this.now -= 1;
    }
    this.said[this.now] = null;
    return true;
  }

  /** As Label Studio has regions with a choice: two items of one id. @param {string} stem  @param {number} duration  @returns {any[]} */
  result(stem, duration) {
    return this.segments.flatMap(([start, end], i) => {
      const word = this.said[i];
      if (word === null) return [];
      const both = { id: `segment${i + 1}`, to_name: stem, origin: "manual", original_length: duration };
      return [
        { ...both, from_name: "segment", type: "labels", value: { start, end, channel: 0, labels: ["Segment"] } },
        { ...both, from_name: "answer", type: "choices", value: { start, end, channel: 0, choices: [word] } },
      ];
    });
  }
}
