// Questions that the page asks before it goes on.
import { $, button } from "./messages.js";

/** Ask in a dialog. `answers` are [value, label] pairs, the first of them what Escape means; resolves with the value chosen. */
export function ask(title, text, ...answers) {
  const dialog = $("ask");
  $("ask-title").textContent = title;
  $("ask-text").replaceChildren(
    ...[text].flat().map((line) => {
      const paragraph = document.createElement("p");
      paragraph.textContent = line;
      return paragraph;
    }),
  );
  $("ask-answers").replaceChildren(...answers.map(([value, label]) => button(label, () => dialog.close(value))));
  dialog.returnValue = answers[0][0];
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/** 200 seconds -> "3 minutes ago" */
export function ago(seconds) {
  for (const [name, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    const n = Math.floor(seconds / length);
    if (n) return `${n} ${name}${n > 1 ? "s" : ""} ago`;
  }
  return "just now";
}

export function marks(n) {
  return n === 0 ? "no marks" : n === 1 ? "1 mark" : `${n} marks`;
}
