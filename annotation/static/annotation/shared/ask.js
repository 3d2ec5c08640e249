// @ts-check
// Questions that the page asks before it goes on.
import { $, button, element } from "./elements.js";

/**
 * Show a dialog, and resolve with the value of the button that closes it; `escaped` is what Escape means.
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<string>}
 */
export function answerOf(dialog, escaped = "") {
  dialog.returnValue = escaped;
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/**
 * Ask in a dialog. `answers` are [value, label] pairs, the first of them what Escape means; resolves with the value chosen.
 * @param {string} title
 * @param {string | string[]} text
 * @param {[value: string, label: string][]} answers
 */
export function ask(title, text, ...answers) {
  const dialog = $("ask");
  $("ask-title").textContent = title;
  $("ask-text").replaceChildren(...[text].flat().map((line) => element("p", "", line)));
  $("ask-answers").replaceChildren(...answers.map(([value, label]) => button(label, () => dialog.close(value))));
  return answerOf(dialog, answers[0][0]);
}

/** 200 seconds -> "3 minutes ago" @param {number} seconds */
export function ago(seconds) {
  /** @type {[string, number][]} */
  const lengths = [["day", 86400], ["hour", 3600], ["minute", 60]];
  for (const [name, length] of lengths) {
    const n = Math.floor(seconds / length);
    if (n) return `${n} ${name}${n > 1 ? "s" : ""} ago`;
  }
  return "just now";
}

/** @param {number} n */
export function marks(n) {
  return n === 0 ? "no marks" : n === 1 ? "1 mark" : `${n} marks`;
}
