// @ts-check
// What the model would mark. It is nobody's mark until the person accepts it; then it is one like all others.
import { $ } from "../shared/elements.js";
import { say } from "../shared/messages.js";
import { ngettext } from "../shared/words.js";

export class Proposals {
  /** Those that the person does not want to see any more. @type {WeakSet<ResultItem>} */
  #dismissed = new WeakSet();

  /**
   * `task` gives the task in hand, `marks` those of the person.
   * @param {() => Pick<GivenTask, "predictions"> | null} task
   * @param {() => Pick<Mark, "id">[]} marks
   */
  constructor(task, marks) {
    this.task = task;
    this.marks = marks;
  }

  /** Those that were neither accepted nor dismissed; an accepted one whose mark is taken back is there again. */
  get left() {
    const all = this.task()?.predictions?.flatMap(({ result }) => result) ?? [];
    if (!all.length) return all;
    const accepted = new Set(this.marks().map(({ id }) => id));
    return all.filter((item) => !accepted.has(item.id) && !this.#dismissed.has(item));
  }

  /** Where they are, clip seconds. @returns {Stretch[]} */
  parts() {
    return this.left.map(({ value }) => [value.start, value.end]);
  }

  /** The one that a key means: where the sound is, else the next, else the first. @param {number} time */
  at(time) {
    const { left } = this;
    return left.find(({ value }) => value.start <= time && time < value.end) ?? left.find(({ value }) => value.start >= time) ?? left.at(0);
  }

  /** @param {ResultItem} item */
  dismiss(item) {
    this.#dismissed.add(item);
  }

  /** @param {boolean} ready */
  show(ready) {
    const n = ready ? this.left.length : 0;
    $("proposals").hidden = !n;
    say("proposals-left", n ? ngettext("The model proposes %(n)s mark", "The model proposes %(n)s marks", n) : "");
  }
}
