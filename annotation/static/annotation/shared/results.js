// @ts-check
// Marks in Label Studio's JSON.
import { rules } from "./rules.js";

/**
 * A mark as the server reads it. The id is made up where none is given.
 * @param {Part & { id?: string }} mark
 * @param {number} duration
 * @returns {ResultItem}
 */
export function asResult({ id = Math.random().toString(36).slice(2, 12), start, end }, duration) {
  return {
    id,
    from_name: rules.from_name,
    to_name: rules.to_name,
    type: "labels",
    origin: "manual",
    original_length: duration,
    value: { start, end, channel: 0, labels: [rules.label] },
  };
}
