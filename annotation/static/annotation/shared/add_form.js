// @ts-check
// The form under the table: a mark by its times, for the keyboard.

export class AddForm {
  /**
   * `table` says what is wrong with times, `add` makes the mark.
   * @param {HTMLFormElement} form
   * @param {{ problem: (start: number, end: number) => string | null }} table
   * @param {HTMLElement} error
   * @param {(start: number, end: number) => void} add
   */
  constructor(form, table, error, add) {
    this.form = form;
    this.table = table;
    this.error = error;
    this.add = add;
    const [start, end] = form.querySelectorAll("input");
    this.start = start;
    this.end = end;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.make()) this.start.focus();
    });
  }

  /** What stands in it, the problem in words or null; null where it is empty. */
  get typed() {
    const fields = [this.start, this.end];
    if (fields.every((field) => !field.value && !field.validity.badInput)) return null;
    const [start, end] = fields.map((field) => field.valueAsNumber);
    return { start, end, problem: this.table.problem(start, end) };
  }

  /** Make the mark, or say what is wrong. Returns whether it was made. */
  make() {
    const { start, end, problem } = this.typed ?? { start: NaN, end: NaN, problem: this.table.problem(NaN, NaN) };
    this.error.textContent = problem ?? "";
    if (problem) return false;
    this.add(start, end);
    this.clear();
    return true;
  }

  clear() {
    this.form.reset();
    this.error.textContent = "";
  }
}
