// @ts-check
// Questions that the page asks before it goes on.
import { $, button, element } from "./elements.js";
import { gettext, ngettext } from "./words.js";

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
  const [minutes, hours, days] = [60, 3600, 86400].map((length) => Math.floor(seconds / length));
  if (days) return ngettext("%(n)s day ago", "%(n)s days ago", days);
  if (hours) return ngettext("%(n)s hour ago", "%(n)s hours ago", hours);
  if (minutes) return ngettext("%(n)s minute ago", "%(n)s minutes ago", minutes);
  return gettext("just now");
}

/** @param {number} n */
export function marks(n) {
  return n === 0 ? gettext("no marks") : ngettext("%(n)s mark", "%(n)s marks", n);
}
