// @ts-check
// What is half made when somebody goes on: a mark begun and not ended, times typed and not added, a selection. It is finished where
// that is beyond doubt, else asked about: nothing goes without a word.
import { answerOf } from "./ask.js";
import { $ } from "./elements.js";
import { notice } from "./messages.js";
import { asResult } from "./results.js";
import { rules } from "./rules.js";
import { gettext, written } from "./words.js";

const UNENDED = "begun and not ended"; // the note, in a draft, of a mark that was in the making

/**
 * In words; what it would mark; whether that is beyond doubt; whether a draft keeps it; what makes and what drops it.
 * @typedef {{ said: string, stretches: Stretch[], sure: boolean, kept: boolean, make: () => unknown, drop: () => unknown }} Thing
 */

/** @param {Stretch} stretch */
function said([start, end]) {
  return `${written(start, 2)}–${written(end, 2)} s`;
}

/** Whether marks cover all of a stretch but what is too short to be one. @param {Stretch} stretch  @param {Part[]} marks  in order of time */
function covered([start, end], marks) {
  let left = start;
  for (const mark of marks) if (mark.start <= left + rules.shortest_mark) left = Math.max(left, mark.end);
  return left >= end - rules.shortest_mark;
}

/** @param {ResultItem} mark */
function isUnended({ meta }) {
  return meta?.text?.[0] === UNENDED;
}

/** The marks of a draft without the notes of those that were in the making. @param {Result | null} draft */
export function withoutNotes(draft) {
  return draft?.map((mark) => (isUnended(mark) ? { ...mark, meta: {} } : mark)) ?? null;
}

/** Say which marks of a draft were in the making, and select the first. @param {Result | null} draft  @param {Pick<Editing, "select">} editor */
export function tellOfUnended(draft, editor) {
  const marks = (draft ?? []).filter(isUnended);
  if (!marks.length) return;
  const times = marks.map(({ value }) => said([value.start, value.end])).join(" and ");
  editor.select(marks[0].id);
  notice("warning", gettext("A mark was begun and not ended when this clip was left. It is kept as %(times)s: set where it ends, or delete it.", { times }));
}

export class HalfMade {
  /**
   * `form` and `table` are those of the times; `letGo` ends what a pointer drags.
   * @param {Pick<import("./desk.js").Desk, "marking" | "strip" | "player" | "editor" | "missing" | "mark">} desk
   * @param {Pick<import("./add_form.js").AddForm, "typed" | "make" | "clear">} form
   * @param {{ commit: () => boolean }} table
   * @param {() => void} letGo
   */
  constructor(desk, form, table, letGo) {
    this.desk = desk;
    this.form = form;
    this.table = table;
    this.letGo = letGo;
  }

  /** What there is. */
  things() {
    return [this.#open(), this.#typed(), this.#selected()].filter((thing) => thing !== null);
  }

  /** Whether leaving now would lose any of it. */
  get loses() {
    return this.things().some(({ kept }) => !kept);
  }

  /** What of it a draft keeps beside the marks, clip seconds. */
  kept() {
    const { marking, player } = this.desk;
    const found = marking.parts().map(([start, end]) => ({ start: Math.max(0, Math.min(start, player.duration - rules.shortest_mark)), end, ended: false }));
    const { typed } = this.form;
    if (typed && !typed.problem) found.push({ start: typed.start, end: typed.end, ended: true });
    return found.map(({ start, end, ended }) => ({ start, end: Math.max(end, start + rules.shortest_mark), ended }));
  }

  /** The work in Label Studio's JSON as a draft keeps it: a mark in the making is a mark like others, with a note. */
  drafted() {
    const { editor, player } = this.desk;
    const note = { meta: { text: [UNENDED] } };
    const kept = this.kept().map(({ ended, ...part }) => ({ ...asResult({ ...part, missing: this.desk.missing }, player.duration), ...(ended ? {} : note) }));
    return [...(editor?.result() ?? []), ...kept];
  }

  /**
   * Finish what is beyond doubt and ask about the rest. Returns whether to go on: not when somebody wants to go back, or when a
   * time in the table cannot be. Beside the answer that nothing is wrong (`contradicts`), typed times are asked about too.
   */
  async settle({ contradicts = false } = {}) {
    this.letGo();
    if (!this.table.commit()) return false;
    const { marking, player } = this.desk;
    if (marking.held) marking.finish();
    if (this.things().some(({ sure }) => contradicts || !sure)) player.pause();
    for (const thing of this.things()) {
      const choice = thing.sure && !contradicts ? "make" : await this.#ask(thing);
      if (choice === "make") thing.make();
      else if (choice === "drop") thing.drop();
      else return false;
    }
    return true;
  }

  /** @returns {Thing | null} */
  #open() {
    const { marking } = this.desk;
    if (marking.from === null) return null;
    const stretches = marking.parts().filter(([start, end]) => end - start >= rules.shortest_mark);
    const soFar = stretches.length ? ` ${gettext("So far it is %(times)s.", { times: stretches.map(said).join(gettext(" and ")) })}` : "";
    const text = gettext("You have begun a mark at %(time)s s and not ended it.", { time: written(marking.from, 2) }) + soFar;
    return { said: text, stretches, sure: marking.held, kept: true, make: () => marking.finish(), drop: () => marking.drop() };
  }

  /** @returns {Thing | null} */
  #typed() {
    const { form } = this;
    const { typed } = form;
    if (!typed) return null;
    const { start, end, problem } = typed;
    const [make, drop] = [() => form.make(), () => form.clear()];
    if (problem) return { said: `${gettext("You have typed times that make no mark yet:")} ${problem}`, stretches: [], sure: false, kept: false, make, drop };
    return { said: gettext("You have typed %(times)s but not added it.", { times: said([start, end]) }), stretches: [[start, end]], sure: true, kept: true, make, drop };
  }

  /** @returns {Thing | null} */
  #selected() {
    const { strip, editor, player } = this.desk;
    if (!strip.selection || !editor || strip.selection.looped) return null;
    /** @type {Stretch} */
    const stretch = [strip.selection.start, Math.min(strip.selection.end, player.duration)];
    if (covered(stretch, editor.regions())) return null;
    const drop = () => (strip.selection = null);
    const make = () => {
      this.desk.mark(stretch[0], stretch[1]);
      drop();
    };
    return { said: gettext("You have selected %(times)s but made no mark of it.", { times: said(stretch) }), stretches: [stretch], sure: false, kept: false, make, drop };
  }

  /** "make", "drop", or "" to go back. @param {Thing} thing */
  #ask({ said: text, stretches }) {
    $("half-said").textContent = text;
    $("half-make").hidden = !stretches.length;
    return answerOf($("half-dialog"));
  }
}
