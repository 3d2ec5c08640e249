// What is half made when somebody goes on: a mark begun and not ended, times typed and not added, a selection. It is finished where
// that is beyond doubt, else asked about: nothing goes without a word.
import { $, notice } from "./messages.js";

const SHORTEST = 0.02; // seconds; of a mark
const UNENDED = "begun and not ended"; // the note, in a draft, of a mark that was in the making

function said([start, end]) {
  return `${start.toFixed(2)}–${end.toFixed(2)} s`;
}

/** Whether marks cover all of a stretch but what is too short to be one. */
function covered([start, end], marks) {
  let left = start;
  for (const mark of marks) if (mark.start <= left + SHORTEST) left = Math.max(left, mark.end);
  return left >= end - SHORTEST;
}

function isUnended({ meta }) {
  return meta?.text?.[0] === UNENDED;
}

/** The marks of a draft without the notes of those that were in the making. */
export function withoutNotes(draft) {
  return draft?.map((mark) => (isUnended(mark) ? { ...mark, meta: {} } : mark));
}

/** Say which marks of a draft were in the making, and select the first. */
export function tellOfUnended(draft, editor) {
  const marks = (draft ?? []).filter(isUnended);
  if (!marks.length) return;
  const times = marks.map(({ value }) => said([value.start, value.end])).join(" and ");
  editor.select(marks[0].id);
  notice("warning", `A mark was begun and not ended when this clip was left. It is kept as ${times}: set where it ends, or delete it.`);
}

export class HalfMade {
  /** `desk` has marking, strip, player and editor, `form` and `table` are those of the times; `letGo()` ends what a pointer drags. */
  constructor(desk, form, table, letGo) {
    Object.assign(this, { desk, form, table, letGo });
  }

  /**
   * What there is: [{said, stretches, sure, kept, make, drop}]. In words; what it would mark; whether that is beyond doubt; whether
   * a draft keeps it; what makes and what drops it.
   */
  things() {
    return [this.#open(), this.#typed(), this.#selected()].filter(Boolean);
  }

  /** Whether leaving now would lose any of it. */
  get loses() {
    return this.things().some(({ kept }) => !kept);
  }

  /** What of it a draft keeps beside the marks: [{start, end, ended}], clip seconds. */
  kept() {
    const { marking, player } = this.desk;
    const found = marking.parts().map(([start, end]) => ({ start: Math.max(0, Math.min(start, player.duration - SHORTEST)), end, ended: false }));
    const { typed } = this.form;
    if (typed && !typed.problem) found.push({ start: typed.start, end: typed.end, ended: true });
    return found.map(({ start, end, ended }) => ({ start, end: Math.max(end, start + SHORTEST), ended }));
  }

  /** The work in Label Studio's JSON as a draft keeps it: a mark in the making is a mark like others, with a note. */
  drafted() {
    const { editor } = this.desk;
    const note = { meta: { text: [UNENDED] } };
    return [...editor.result(), ...this.kept().map(({ start, end, ended }) => ({ ...editor.region(start, end), ...(ended ? {} : note) }))];
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
      if (!choice) return false;
      thing[choice]();
    }
    return true;
  }

  #open() {
    const { marking } = this.desk;
    if (marking.from === null) return null;
    const stretches = marking.parts().filter(([start, end]) => end - start >= SHORTEST);
    const soFar = stretches.length ? ` So far it is ${stretches.map(said).join(" and ")}.` : "";
    const text = `You have begun a mark at ${marking.from.toFixed(2)} s and not ended it.${soFar}`;
    return { said: text, stretches, sure: marking.held, kept: true, make: () => marking.finish(), drop: () => marking.drop() };
  }

  #typed() {
    const { form } = this;
    if (!form.typed) return null;
    const { start, end, problem } = form.typed;
    const [make, drop] = [() => form.make(), () => form.clear()];
    if (problem) return { said: `You have typed times that make no mark yet: ${problem}`, stretches: [], sure: false, kept: false, make, drop };
    return { said: `You have typed ${said([start, end])} but not added it.`, stretches: [[start, end]], sure: true, kept: true, make, drop };
  }

  #selected() {
    const { strip, editor, player } = this.desk;
    if (!strip.selection) return null;
    const stretch = [strip.selection.start, Math.min(strip.selection.end, player.duration)];
    if (covered(stretch, editor.regions())) return null;
    const drop = () => (strip.selection = null);
    const make = () => {
      editor.add(...stretch);
      drop();
    };
    return { said: `You have selected ${said(stretch)} but made no mark of it.`, stretches: [stretch], sure: false, kept: false, make, drop };
  }

  /** "make", "drop", or "" to go back. */
  #ask({ said: text, stretches }) {
    const dialog = $("half-dialog");
    $("half-said").textContent = text;
    $("half-make").hidden = !stretches.length;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
  }
}
