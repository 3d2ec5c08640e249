// @ts-check
// Marks that overlap or meet are one mark.

/**
 * The stretch that this one makes together with all marks that it overlaps or meets, and those marks (`gone`), in order of time.
 * @template {Part} Kind
 * @param {Kind[]} marks
 * @param {number} start
 * @param {number} end
 */
export function joined(marks, start, end) {
  /** @type {Kind[]} */
  let gone = [];
  for (;;) {
    const met = marks.filter((mark) => mark.start <= end && mark.end >= start); // grown by one mark, it may meet another
    if (met.length === gone.length) return { start, end, gone };
    gone = met;
    start = Math.min(start, ...met.map((mark) => mark.start));
    end = Math.max(end, ...met.map((mark) => mark.end));
  }
}
