// From a key that goes down to what it does; what is typed into a field stays there.
import { nameOf } from "./keymap.js";

const REPEATS = ["back", "on", "backABit", "onABit"]; // go on while the key is held
const WHILE_TYPING = ["submit"];
const ANY_TIME = ["help", "earlier"]; // even without a task in hand

/** `act` holds a function for every action; `released` is called when the key that marks comes up. */
export function listenForKeys({ keymap, act, editorFrame, ready, released }) {
  let holds = null; // the code of the key that is held to mark

  function down(event) {
    const { target } = event;
    const around = target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]");
    const field = around?.checkVisibility() && around; // one in a dialog just closed has the focus until the next picture is drawn
    const typing = field && !editorFrame.contains(field);
    if (document.querySelector("dialog[open]")) return; // whose keys are its own
    if (typing && !event.ctrlKey) return event.stopImmediatePropagation();
    const name = nameOf(event);
    const action = name && keymap.action(name);
    // The browser's own: Enter and Space press the button that has the focus, arrows move within a group.
    const control = target.closest?.("button, summary, a, input") && !editorFrame.contains(target);
    if (control && (name === "Enter" || (name === "Space" && !target.matches("[type=radio]")))) return event.stopImmediatePropagation();
    if (target.type === "radio" && ["Left", "Right", "Up", "Down"].includes(name)) return;
    if (!action || (field && !WHILE_TYPING.includes(action)) || !(ready() || ANY_TIME.includes(action))) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // the editor listens for some of these too
    if (event.repeat && !REPEATS.includes(action)) return;
    if (action === "mark") holds = event.code;
    act[action](event);
  }

  function up(event) {
    if (holds === null || (event.code !== holds && event.type === "keyup")) return;
    holds = null;
    released();
  }

  window.addEventListener("keydown", down, { capture: true });
  window.addEventListener("keyup", up, { capture: true });
  window.addEventListener("blur", up); // a key let go elsewhere
  // The editor's own keys would swallow the Escape that closes a dialog.
  for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("keydown", (event) => event.stopPropagation());
}

/** The same for a button that is held, by finger, mouse or the keyboard. */
export function onButton(button, { press, release }) {
  button.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    button.setPointerCapture(event.pointerId);
    press();
  });
  for (const kind of ["pointerup", "pointercancel"]) button.addEventListener(kind, release);
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
  button.addEventListener("keydown", (event) => {
    if (![" ", "Enter"].includes(event.key) || event.repeat) return;
    event.preventDefault();
    press();
  });
  button.addEventListener("keyup", (event) => [" ", "Enter"].includes(event.key) && release());
}
