// @ts-check
// Which key does what: two presets, and what somebody has changed.
import { rules } from "./rules.js";
import { gettext } from "./words.js";

/** @type {Action[]} */
export const ACTIONS = [
  ["play", gettext("play or pause"), ["Space"], ["Space", "Ctrl+P"]],
  ["back", gettext("one second back"), ["Left"], ["Left", "Ctrl+B"]],
  ["on", gettext("one second on"), ["Right"]],
  ["backABit", gettext("a tenth of a second back"), ["Shift+Left"], ["Shift+Left", "Alt+A"]],
  ["onABit", gettext("a tenth of a second on"), ["Shift+Right"], ["Shift+Right", "Alt+D"]],
  ["vocals", gettext("listen to the %(extracted)s", { ...rules.words }), ["1"], ["Alt+1"]],
  ["mix", gettext("listen to the mix"), ["2"], ["Alt+2"]],
  ["removed", gettext("listen to what was removed: the mix minus %(the)s", { ...rules.words }), ["3"], ["Alt+3"]],
  ["loop", gettext("go round in the selection, the selected mark, or the whole clip"), ["L"]],
  ["slower", gettext("slower"), [","]],
  ["faster", gettext("faster"), ["."]],
  ["mute", gettext("mute, or sound again (what is muted does not count as heard)"), ["Q"]],
  ["quieter", gettext("quieter"), ["Shift+Down"]],
  ["louder", gettext("louder"), ["Shift+Up"]],
  ["missing", gettext("play what is still to hear"), ["H"]],
  ["mark", gettext("hold while you hear it: a mark from pressing to letting go, less your reaction time; a tap begins it, another ends it"), ["M"]],
  ...(rules.missing_label ? [/** @type {Action} */ (["opposite", gettext("mark where %(the)s are missing, or again what is wrong", { ...rules.words }), ["O"]])] : []),
  ...rules.tags.map((tag, n) => /** @type {Action} */ ([`tag${n + 1}`, gettext("say of the selected mark, or of the last one: %(tag)s; a second time: nothing", { tag }), [`Shift+${n + 1}`]])),
  ...(rules.proposes ? [/** @type {Action} */ (["accept", gettext("accept what the model proposes: where the sound is, or the next"), ["P"]]), /** @type {Action} */ (["dismiss", gettext("take that proposal away"), ["Shift+P"]])] : []),
  ["cancel", gettext("give up the mark that you have begun, or what you drag"), ["Escape"]],
  ["selectTool", gettext("drag over the picture to select instead of marking, or to mark again"), ["R"]],
  ["markSelection", gettext("make the selection a mark"), ["A"]],
  ["draw", gettext("then drag over the upper waveform: draw a mark"), ["D"], ["1"]],
  ["nextMark", gettext("select the next mark"), ["K"], ["K", "Alt+."]],
  ["lastMark", gettext("select the mark before"), ["J"]],
  ["setStart", gettext("let the selected mark begin here"), ["["]],
  ["setEnd", gettext("let the selected mark end here"), ["]"]],
  ["unselect", gettext("select nothing"), ["U"]],
  ["delete", gettext("delete the selected mark"), ["Backspace", "Delete"]],
  ["undo", gettext("undo"), ["Z", "Ctrl+Z"], ["Ctrl+Z"]],
  ["redo", gettext("redo"), ["Shift+Z", "Ctrl+Shift+Z"], ["Ctrl+Shift+Z"]],
  ["zoomIn", gettext("zoom in"), ["+"]],
  ["zoomOut", gettext("zoom out"), ["-"]],
  ["zoomAll", gettext("show the whole clip"), ["0"]],
  ["nothing", gettext("answer: nothing wrong here"), ["N"]],
  ["submit", gettext("submit the marks"), ["Enter", "Ctrl+Enter"], ["Ctrl+Enter"]],
  ["skip", gettext("skip this clip, with a reason"), ["S"], ["S", "Ctrl+Space"]],
  ["earlier", gettext("open the answer (or skip) before this one, to change it"), ["B"]],
  ["examples", gettext("what to mark, with examples to hear"), ["I"]],
  ["note", gettext("write a note to the lab on this clip"), ["W"]],
  ...(rules.hears_effects ? [/** @type {Action} */ (["effect", gettext("hear what your marks change in the clip that you have answered last"), ["E"]])] : []),
  ["help", gettext("this list"), ["?"]],
];

/** @type {Record<string, string>} */
export const PRESETS = { unbleed: "Unbleed", labelstudio: "Label Studio" };

/** @type {Record<string, string>} */
const NAMES = { " ": "Space", ArrowLeft: "Left", ArrowRight: "Right", ArrowUp: "Up", ArrowDown: "Down", "=": "+", Esc: "Escape" };

/** Keys with names of their own, as people read them. @type {Record<string, string>} */
const SHOWN = {
  Space: gettext("Space"),
  Left: gettext("Left"),
  Right: gettext("Right"),
  Up: gettext("Up"),
  Down: gettext("Down"),
  Enter: gettext("Enter"),
  Escape: gettext("Escape"),
  Backspace: gettext("Backspace"),
  Delete: gettext("Del"),
  Shift: gettext("Shift"),
  Ctrl: gettext("Ctrl"),
};

/** How people read the name of a key. @param {string} name */
export function shownKey(name) {
  return name.replace(/\p{L}{2,}/gu, (part) => SHOWN[part] ?? part);
}

/** The name of the key of a keyboard event, "Ctrl+Shift+Z"; null for a modifier alone. Command counts as Ctrl. @param {KeyboardEvent} event */
export function nameOf(event) {
  if (["Shift", "Control", "Alt", "Meta", "AltGraph", "Dead"].includes(event.key)) return null;
  let key = NAMES[event.key] ?? event.key;
  // Digits and letters of layouts that have them elsewhere or not at all go by the place of the key.
  if (/^(Digit|Numpad)\d$/.test(event.code)) key = event.code.slice(-1);
  else if (/^Key[A-Z]$/.test(event.code) && (!/^[a-z]$/i.test(key) || event.altKey)) key = event.code.slice(3);
  if (key.length === 1) key = key.toUpperCase();
  const sign = key.length === 1 && !/[\p{L}\p{N}]/u.test(key); // "?" needs Shift on some layouts and not on others
  return [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && !sign && "Shift", key].filter(Boolean).join("+");
}

export class Keymap {
  /**
   * `kept` is what `save` was given last; `actions` are those of the page.
   * @param {KeymapChoice | undefined} kept
   * @param {(choice: KeymapChoice) => void} save
   */
  constructor(kept, save, actions = ACTIONS) {
    this.actions = actions;
    this.preset = kept && PRESETS[kept.preset] ? kept.preset : "unbleed";
    this.changes = kept?.changes ?? {};
    this.save = save;
  }

  /** Keys of an action. @param {string} action */
  keys(action) {
    if (this.changes[action]) return this.changes[action];
    const [, , keys, other] = this.actions.find(([name]) => name === action) ?? [action, "", []];
    return this.preset === "labelstudio" ? (other ?? keys) : keys;
  }

  /** The action of a key, or undefined. @param {string} key */
  action(key) {
    return this.actions.find(([name]) => this.keys(name).includes(key))?.[0];
  }

  /** Give an action one key of its own; whoever had it loses it. Returns the name of that one, or undefined. @param {string} action  @param {string} key */
  change(action, key) {
    const owner = this.action(key);
    const taken = owner !== action ? owner : undefined;
    if (taken) this.changes[taken] = this.keys(taken).filter((one) => one !== key);
    this.changes[action] = [key];
    this.#keep();
    return taken;
  }

  /** @param {string} preset */
  use(preset) {
    this.preset = preset;
    this.changes = {};
    this.#keep();
  }

  #keep() {
    this.save({ preset: this.preset, changes: this.changes });
  }
}
