// @ts-check
// What one can do to the sound and the marks, by the name that a key or a button has for it.
import { $ } from "./elements.js";
import { announce, spoken } from "./messages.js";
import { STEMS } from "./player.js";
import { rules } from "./rules.js";
import { gettext } from "./words.js";

const BEFORE = 0.3; // seconds of what is around a stretch that is played again
const SHORTEST_LOOP = 0.05; // seconds
const LOUDER = 0.1; // of the full volume

/**
 * `desk` is what lies before the person, its `changed` shows a change.
 * @param {Pick<import("./desk.js").Desk, "player" | "strip" | "marking" | "keep" | "editor" | "heard" | "changed" | "cancel" | "missing" | "mark" | "inQuestion">} desk
 */
export function verbs(desk) {
  const { player, strip, marking, keep } = desk;

  /** @param {Stem} stem */
  function listenTo(stem) {
    player.listen(stem);
    if (player.stem === stem) keep.keepChoice("listen", stem);
    const choice = /** @type {HTMLInputElement} */ (document.querySelector(`[name=listen][value=${player.stem}]`));
    choice.checked = true;
  }

  /** @param {number} rate */
  function speed(rate) {
    player.rate = rate;
    $("speed").value = String(rate);
    keep.keepChoice("speed", rate);
  }

  /** @param {number} steps */
  function faster(steps) {
    const rate = rules.speeds[rules.speeds.indexOf(player.rate) + steps];
    if (rate) speed(rate);
  }

  /** @param {number} level  0 to 1 */
  function volume(level) {
    player.volume = Math.round(level * 100) / 100;
    $("volume").value = String(player.volume);
    keep.keepChoice("volume", player.volume);
  }

  function selected() {
    return desk.editor?.regions().find((region) => region.selected);
  }

  /** Go round in the selection, else the selected mark, else the whole clip; a second time: no longer. */
  function loop() {
    const { start, end } = strip.selection ?? selected() ?? { start: 0, end: player.duration };
    if (strip.selection) strip.selection.looped = true; // it was to be heard, not to be marked
    player.loop = player.loop || end - start < SHORTEST_LOOP ? null : { start, end };
    if (player.loop && !player.playing) player.play();
    desk.changed();
  }

  function missing() {
    const [first] = desk.heard.missing(player.duration);
    if (!first) return;
    listenTo(STEMS[0]);
    player.playRange(Math.max(0, first[0] - BEFORE), Math.min(player.duration, first[1] + BEFORE));
  }

  function markSelection() {
    if (!strip.selection) return;
    desk.mark(strip.selection.start, strip.selection.end);
    strip.selection = null;
  }

  /** @param {number} factor  0: the whole clip */
  function zoom(factor) {
    const { editor } = desk;
    const { start, end } = strip.selection ?? selected() ?? { start: player.time, end: player.time };
    editor?.zoomTo(factor === 0 ? 1 : editor.zoom * factor, (start + end) / 2);
  }

  /** Move one edge of the selected mark to where the play position was when the key went down. @param {"start" | "end"} side  @param {Event} event */
  function setEdge(side, { timeStamp }) {
    const mark = selected();
    if (!mark) return;
    const moved = { ...mark, [side]: player.at(timeStamp) };
    if (moved.end - moved.start >= rules.shortest_mark) desk.editor?.change(mark.id, moved.start, moved.end);
  }

  /** Select the mark after (1) or before (-1) the selected one, and go to where it begins. @param {1 | -1} by */
  function step(by) {
    const marks = desk.editor?.regions() ?? [];
    if (!marks.length) return;
    const n = marks.findIndex((mark) => mark.selected);
    const next = marks[n < 0 ? (by > 0 ? 0 : marks.length - 1) : (n + by + marks.length) % marks.length];
    desk.editor?.select(next.id);
    player.seek(next.start);
    announce(`Mark ${marks.indexOf(next) + 1} of ${marks.length}: ${spoken(next)}.`);
  }

  /** @param {string} tag */
  function tagIt(tag) {
    const mark = desk.inQuestion;
    if (mark) desk.editor?.tag?.(mark.id, mark.tag === tag ? "" : tag);
  }

  return {
    ...Object.fromEntries(rules.tags.map((tag, n) => [`tag${n + 1}`, () => tagIt(tag)])),
    ...Object.fromEntries(STEMS.map((stem) => [stem, () => listenTo(stem)])),
    vocals: () => listenTo(STEMS[0]), // whatever the campaign extracts: under this name people have chosen a key for it
    play: () => player.toggle(),
    back: () => player.seek(player.time - 1),
    on: () => player.seek(player.time + 1),
    backABit: () => player.seek(player.time - 0.1),
    onABit: () => player.seek(player.time + 0.1),
    speed,
    slower: () => faster(-1),
    faster: () => faster(1),
    volume,
    quieter: () => volume(player.volume - LOUDER),
    louder: () => volume(player.volume + LOUDER),
    mute: () => (player.muted = !player.muted),
    loop,
    missing,
    mark: (/** @type {Event} */ event) => marking.press(event.timeStamp),
    cancel: () => desk.cancel() || marking.drop(),
    markSelection,
    selectTool: () => {
      strip.selects = !strip.selects;
      desk.changed();
    },
    opposite: () => {
      desk.missing = Boolean(rules.missing_label) && !desk.missing;
      desk.changed();
    },
    draw: () => desk.editor?.toggleDrawing?.(),
    nextMark: () => step(1),
    lastMark: () => step(-1),
    setStart: (/** @type {Event} */ event) => setEdge("start", event),
    setEnd: (/** @type {Event} */ event) => setEdge("end", event),
    unselect: () => {
      strip.selection = null;
      desk.editor?.select(null);
    },
    delete: () => {
      const mark = selected();
      if (!mark) return;
      desk.editor?.remove(mark.id);
      announce(gettext("Deleted the mark from %(times)s.", { times: spoken(mark) }));
    },
    undo: () => desk.editor?.undo(),
    redo: () => desk.editor?.redo(),
    zoomIn: () => zoom(2),
    zoomOut: () => zoom(0.5),
    zoomAll: () => zoom(0),
  };
}
