// @ts-check
// Marks in Label Studio's JSON.
import { rules } from "./rules.js";

/** An id as the editor makes them. */
export function newId() {
  return Math.random().toString(36).slice(2, 12);
}

/**
 * A mark as the server reads it. The id is made up where none is given.
 * @param {Part & { id?: string, missing?: boolean }} mark
 * @param {number} duration
 * @returns {ResultItem}
 */
export function asResult({ id = newId(), start, end, missing = false }, duration) {
  return {
    id,
    from_name: rules.from_name,
    to_name: rules.to_name,
    type: "labels",
    origin: "manual",
    original_length: duration,
    value: { start, end, channel: 0, labels: [missing ? rules.missing_label : rules.label] },
  };
}

/** What gives this mark a tag. @param {ResultItem} mark  @param {string} tag  @returns {ResultItem} */
export function asTag(mark, tag) {
  const { start, end, channel } = mark.value;
  return { ...mark, from_name: rules.tag_name, type: "choices", value: { start, end, channel, choices: [tag] } };
}
