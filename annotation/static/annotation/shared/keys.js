// @ts-check
// From a key that goes down to what it does; what is typed into a field stays there.
import { nameOf } from "./keymap.js";

const REPEATS = ["back", "on", "backABit", "onABit"]; // go on while the key is held
const WHILE_TYPING = ["submit", "cancel"];
const ANY_TIME = ["help", "examples", "earlier", "effect"]; // even without a task in hand
const FIELDS = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]";
const CHOSEN_FROM = "select, [type=range]"; // fields in which the pointer is enough

/** Where an event happened, if that is an element. @param {Event} event */
function targetOf({ target }) {
  return target instanceof Element ? target : null;
}

/**
 * `act` holds a function for every action; `released` is called with the moment at which the key that marks comes up, `lost` when
 * nobody can tell any more whether it does.
 * @param {{ keymap: import("./keymap.js").Keymap, act: Acts, editorFrame: Element, ready: () => boolean,
 *   released: (moment: number) => void, lost: (moment: number) => void }} about
 */
export function listenForKeys({ keymap, act, editorFrame, ready, released, lost }) {
  /** @type {string | null} the code of the key that is held to mark */
  let holds = null;
  /** @type {string | null} the code of a key that did something here: no button is pressed when it comes up */
  let taken = null;
  /** @type {Element | null} what the pointer went down on last, unless the focus has gone elsewhere since */
  let pointed = null;

  /** Whether a control has the focus because somebody clicked it: then its keys are the page's. @param {Element | null} control */
  function byPointer(control) {
    return Boolean(control && pointed && (control.closest("label") ?? control).contains(pointed));
  }

  /** @param {KeyboardEvent} event */
  function down(event) {
    const target = targetOf(event);
    taken = null;
    const clicked = byPointer(target);
    const around = clicked && target?.matches(CHOSEN_FROM) ? null : target?.closest(FIELDS);
    const field = around?.checkVisibility() && around; // one in a dialog just closed has the focus until the next picture is drawn
    const typing = field && !editorFrame.contains(field);
    if (document.querySelector("dialog[open]")) return; // whose keys are its own
    if (typing && !event.ctrlKey && event.key !== "Escape") return event.stopImmediatePropagation();
    const name = nameOf(event) ?? "";
    const action = name && keymap.action(name);
    // The browser's own: Enter and Space press the button that has the focus, arrows move within a group.
    const control = !clicked && target?.closest("button, summary, a, input, audio") && !editorFrame.contains(target);
    const radio = !clicked && Boolean(target?.matches("[type=radio]"));
    if (!clicked && target?.matches(".hold") && ["Enter", "Space"].includes(name)) return; // onButton's
    if (control && (name === "Enter" || (name === "Space" && !radio))) return event.stopImmediatePropagation();
    if (radio && ["Left", "Right", "Up", "Down"].includes(name)) return;
    if (!action || (field && !WHILE_TYPING.includes(action)) || !(ready() || ANY_TIME.includes(action))) return;
    if (action === "cancel" && !act.cancel(event)) return; // nothing is begun: then it is the browser's and the editor's
    event.preventDefault();
    event.stopImmediatePropagation(); // the editor listens for some of these too
    taken = event.code;
    if (event.repeat && !REPEATS.includes(action)) return;
    if (action === "cancel") return;
    if (action === "mark") holds = event.code;
    act[action](event);
  }

  /** @param {KeyboardEvent} event */
  function up(event) {
    const { code, key, timeStamp } = event;
    if (code === taken) event.preventDefault();
    if (holds === null || (code !== holds && key !== "Meta")) return; // a Mac tells of no key that comes up while Command is held
    holds = null;
    released(timeStamp);
  }

  /** @param {Event} event */
  function gone({ timeStamp }) {
    holds = null;
    lost(timeStamp);
  }

  window.addEventListener("pointerdown", (event) => (pointed = targetOf(event)), { capture: true });
  window.addEventListener("focusin", (event) => byPointer(targetOf(event)) || (pointed = null));
  window.addEventListener("keydown", down, { capture: true });
  window.addEventListener("keyup", up, { capture: true });
  window.addEventListener("blur", gone);
  document.addEventListener("visibilitychange", (event) => document.hidden && gone(event));
  // The editor's own keys would swallow the Escape that closes a dialog.
  for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("keydown", (event) => event.stopPropagation());
}

/**
 * The same for a button that is held, by finger, mouse or the keyboard; both are given the moment.
 * @param {HTMLElement} button
 * @param {{ press: (moment: number) => void, release: (moment: number) => void }} act
 */
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
