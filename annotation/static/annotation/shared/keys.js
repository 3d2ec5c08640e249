// From a key that goes down to what it does; what is typed into a field stays there.
import { nameOf } from "./keymap.js";

const REPEATS = ["back", "on", "backABit", "onABit"]; // go on while the key is held
const WHILE_TYPING = ["submit", "cancel"];
const ANY_TIME = ["help", "earlier"]; // even without a task in hand

/**
 * `act` holds a function for every action; `released(moment)` is called when the key that marks comes up, `lost(moment)` when nobody
 * can tell any more whether it does.
 */
export function listenForKeys({ keymap, act, editorFrame, ready, released, lost }) {
  let holds = null; // the code of the key that is held to mark

  function down(event) {
    const { target } = event;
    const around = target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]");
    const field = around?.checkVisibility() && around; // one in a dialog just closed has the focus until the next picture is drawn
    const typing = field && !editorFrame.contains(field);
    if (document.querySelector("dialog[open]")) return; // whose keys are its own
    if (typing && !event.ctrlKey && event.key !== "Escape") return event.stopImmediatePropagation();
    const name = nameOf(event);
    const action = name && keymap.action(name);
    // The browser's own: Enter and Space press the button that has the focus, arrows move within a group.
    const control = target.closest?.("button, summary, a, input") && !editorFrame.contains(target);
    if (target.matches?.(".hold") && ["Enter", "Space"].includes(name)) return; // onButton's
    if (control && (name === "Enter" || (name === "Space" && !target.matches("[type=radio]")))) return event.stopImmediatePropagation();
    if (target.type === "radio" && ["Left", "Right", "Up", "Down"].includes(name)) return;
    if (!action || (field && !WHILE_TYPING.includes(action)) || !(ready() || ANY_TIME.includes(action))) return;
    if (action === "cancel" && !act.cancel()) return; // nothing is begun: then it is the browser's and the editor's
    event.preventDefault();
    event.stopImmediatePropagation(); // the editor listens for some of these too
    if (event.repeat && !REPEATS.includes(action)) return;
    if (action === "cancel") return;
    if (action === "mark") holds = event.code;
    act[action](event);
  }

  function up({ code, key, timeStamp }) {
    if (holds === null || (code !== holds && key !== "Meta")) return; // a Mac tells of no key that comes up while Command is held
    holds = null;
    released(timeStamp);
  }

  function gone({ timeStamp }) {
    holds = null;
    lost(timeStamp);
  }

  window.addEventListener("keydown", down, { capture: true });
  window.addEventListener("keyup", up, { capture: true });
  window.addEventListener("blur", gone);
  document.addEventListener("visibilitychange", (event) => document.hidden && gone(event));
  // The editor's own keys would swallow the Escape that closes a dialog.
  for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("keydown", (event) => event.stopPropagation());
}

/** The same for a button that is held, by finger, mouse or the keyboard; both are given the moment. */
export function onButton(button, { press, release }) {
  button.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    button.setPointerCapture(event.pointerId);
    press(event.timeStamp);
  });
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(kind, ({ timeStamp }) => release(timeStamp));
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
  button.addEventListener("keydown", (event) => {
    if (![" ", "Enter"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation(); // the editor plays with Space
    if (!event.repeat) press(event.timeStamp);
  });
  button.addEventListener("keyup", (event) => [" ", "Enter"].includes(event.key) && release(event.timeStamp));
}
