// @ts-check
// What lies before whoever listens and marks, the same for annotators and reviewers: sound, strip, table of marks, keys and buttons.
import { AddForm } from "./add_form.js";
import { $ } from "./elements.js";
import { HalfMade } from "./half_made.js";
import { Heard } from "./heard.js";
import { Help } from "./help.js";
import { ACTIONS, Keymap } from "./keymap.js";
import { listenForKeys, onButton } from "./keys.js";
import { Marking, REACTION } from "./marking.js";
import { announce, spoken } from "./messages.js";
import { Player, STEMS } from "./player.js";
import { RegionTable } from "./regions.js";
import { rules } from "./rules.js";
import { Strip } from "./strip.js";
import { verbs } from "./verbs.js";
import { ViewChoices } from "./view_choices.js";
import { gettext } from "./words.js";

/** Buttons of both pages: [id, name of the act]. @type {[keyof Ids, string][]} */
const BUTTONS = [
  ["play", "play"], ["loop", "loop"], ["mute", "mute"], ["undo", "undo"], ["redo", "redo"], ["submit", "submit"],
  ["mark-selection", "markSelection"], ["select-tool", "selectTool"], ["zoom-in", "zoomIn"], ["zoom-out", "zoomOut"], ["zoom-all", "zoomAll"],
];

/** @template {import("./look.js").Look} [PageLook=import("./look.js").Look] */
export class Desk {
  /** What marks are made in. @type {Editing | null} */
  editor = null;
  heard = new Heard();
  missing = false; // whether marks are of what is missing
  /** The mark made last. @type {Part | null} */
  #made = null;
  /** Of keys and buttons, set by `begin`. @type {Acts} */
  act = {};

  /**
   * `keep` has the person's choices, `look` makes what shows the page's state.
   * @param {import("./keep.js").Keep<any>} keep
   * @param {(desk: any) => PageLook} look
   */
  constructor(keep, look, actions = ACTIONS) {
    this.keep = keep;
    this.context = new AudioContext();
    const player = new Player(this.context, { changed: () => this.changed(), sounded: (stem, start, end) => this.heard.add(stem, start, end) });
    this.player = player;
    this.marking = new Marking(player, {
      add: (start, end) => this.mark(start, end),
      reaction: () => this.reaction,
      changed: () => this.look.marking(),
    });
    this.table = new RegionTable($("regions-rows"), $("regions-count"), $("region-error"), {
      play: (region) => player.playRange(region.start, region.end),
      change: (region, start, end) => this.editor?.change(region.id, start, end),
      remove: (region) => this.editor?.remove(region.id),
      select: (region) => this.editor?.select(region.id),
      tag: (region, tag) => this.editor?.tag?.(region.id, tag),
      duration: () => player.duration,
    });
    this.form = new AddForm($("region-add"), this.table, $("region-error"), (start, end) => this.mark(start, end));
    this.strip = this.stripOn($("strip"), { seek: (time) => this.#goTo(null, time), pick: (mark, time) => this.#goTo(mark.id, time) });
    this.view = new ViewChoices(this.strip, keep);
    // What is begun and not finished: things() says what, settle() finishes it or asks.
    this.halfMade = new HalfMade(this, this.form, this.table, () => this.letGo());
    this.keymap = new Keymap(keep.choice("keymap"), (map) => keep.keepChoice("keymap", map), actions);
    this.look = look(this);
    this.help = new Help(this.keymap, {
      context: this.context,
      reaction: { get: () => this.reaction, set: (seconds) => keep.keepChoice("reaction", seconds) },
      shown: () => this.look.keys(),
    });
  }

  /** Seconds until this person has reacted to what they hear. @returns {number} */
  get reaction() {
    return this.keep.choice("reaction") ?? REACTION;
  }

  /**
   * A strip on which the marks can be changed.
   * @param {HTMLCanvasElement} canvas
   * @param {{ seek: (time: number) => void, pick: (region: Mark, time: number) => void }} act
   */
  stripOn(canvas, act) {
    return new Strip(canvas, {
      select: () => this.changed(),
      marks: () => this.look.ready,
      add: (start, end) => this.mark(start, end),
      change: (region, start, end) => this.editor?.change(region.id, start, end),
      zoom: (factor, around) => this.editor?.zoomTo(this.editor.zoom * factor, around),
      scroll: (start) => this.editor?.scrollTo(start),
      regions: () => (this.look.ready ? (this.editor?.regions() ?? []) : []),
      ...act,
    });
  }

  /** Make a mark, of what is wrong or of what is missing. @param {number} start  @param {number} end */
  mark(start, end) {
    this.#made = { start, end: Math.min(end, this.player.duration) };
    this.editor?.add(this.#made.start, this.#made.end, this.missing);
    announce(gettext("Marked %(times)s.", { times: spoken(this.#made) }));
  }

  /** What a tag is given to: the selected mark, else the one that was made last. */
  get inQuestion() {
    const marks = this.editor?.regions() ?? [];
    const { start = NaN } = this.#made ?? {};
    return marks.find(({ selected }) => selected) ?? marks.find((mark) => !mark.missing && mark.start <= start && start < mark.end);
  }

  /** Somebody clicked the picture: select the mark that is there, or none, and go there. @param {string | null} id  @param {number} time */
  #goTo(id, time) {
    this.editor?.select(id);
    this.player.seek(time);
  }

  /** Show what has changed. */
  changed() {
    this.look.offer();
  }

  /** End what a pointer drags where it is. */
  letGo() {
    this.strip.letGo();
    this.editor?.letGo?.();
  }

  /** Give up what a pointer drags in the picture. Returns whether anything was. */
  cancel() {
    return this.strip.cancel();
  }

  /** Whether one may go on: when nothing is half made any more. @param {{ contradicts?: boolean }} [how] */
  async settled(how) {
    return this.look.ready && (await this.halfMade.settle(how)) && this.look.ready;
  }

  /**
   * Let keys and buttons act from now on, as the person chose it when they were last here. `more` gives the acts of the page, some of
   * them perhaps in place of those of `all`; `buttons` are its own; `editorFrame` is where keys are the editor's too, `ready` says whether
   * they do anything yet.
   * @param {{ more: (all: Acts) => Acts, buttons: [keyof Ids, string][], editorFrame: Element, ready: () => boolean }} page
   */
  begin({ more, buttons, editorFrame, ready }) {
    const { keep, marking, player } = this;
    /** @type {Acts} */
    const all = { ...verbs(this), help: () => this.help.open() };
    const act = (this.act = { ...all, ...more(all) });
    const hold = { press: (/** @type {number} */ moment) => this.look.ready && marking.press(moment), release: (/** @type {number} */ moment) => marking.release(moment) };
    listenForKeys({ keymap: this.keymap, act, editorFrame, ready, released: hold.release, lost: (moment) => marking.lose(moment) });
    onButton($("mark"), hold);
    for (const [id, name] of [...BUTTONS, ...buttons]) $(id).addEventListener("click", (event) => act[name](event));
    for (const speed of rules.speeds) $("speed").append(new Option(`${speed} ×`, String(speed), speed === 1, speed === 1));
    $("speed").addEventListener("change", () => act.speed(Number($("speed").value)));
    $("volume").addEventListener("input", () => act.volume(Number($("volume").value)));
    const speed = keep.choice("speed");
    act.speed(rules.speeds.includes(speed) ? speed : 1);
    act.volume(keep.choice("volume") ?? 1);
    $("equal").addEventListener("change", () => {
      player.equalLoudness = $("equal").checked;
      keep.keepChoice("equal", $("equal").checked);
    });
    $("listen").addEventListener("change", ({ target }) => target instanceof HTMLInputElement && act[target.value](target));
    const listen = keep.choice("listen");
    act[STEMS.includes(listen) ? listen : STEMS[0]](null);
    $("equal").checked = player.equalLoudness = keep.choice("equal") ?? true;
    this.look.marking();
    window.unbleed = this;
  }
}
