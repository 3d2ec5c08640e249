// @ts-check
// The table of marks: everything that the waveform offers, for the keyboard and for screen readers.
import { button, element } from "./elements.js";
import { rules } from "./rules.js";
import { gettext, written } from "./words.js";

/**
 * @typedef {{ element: HTMLElement, start: HTMLInputElement, end: HTMLInputElement, length: HTMLElement, play: HTMLButtonElement,
 *   remove: HTMLButtonElement, kind: HTMLElement, tag: HTMLSelectElement, region: Mark }} Row
 */

export class RegionTable {
  /**
   * @param {HTMLElement} body
   * @param {HTMLElement} count
   * @param {HTMLElement} error
   * @param {{ play: (region: Mark) => void, change: (region: Mark, start: number, end: number) => void, remove: (region: Mark) => void,
   *   select: (region: Mark) => void, tag: (region: Mark, tag: string) => void, duration: () => number }} act
   */
  constructor(body, count, error, act) {
    this.body = body;
    this.count = count;
    this.error = error;
    this.act = act;
    this.shown = "";
    /** @type {Map<string, Row>} */
    this.rows = new Map();
  }

  /** Show these regions; a field that somebody is typing in keeps its text. @param {Mark[]} regions */
  show(regions) {
    const text = JSON.stringify(regions);
    if (text === this.shown) return;
    this.shown = text;
    this.count.textContent = regions.length ? `(${regions.length})` : "";
    const fresh = new Map(regions.map((region, n) => [region.id, this.#fill(this.rows.get(region.id) ?? this.#row(region), region, n + 1)]));
    for (const [id, row] of this.rows) if (!fresh.has(id)) row.element.remove();
    this.rows = fresh;
    const elements = [...fresh.values()].map((row) => row.element);
    if (!elements.length) return this.body.replaceChildren(this.#none());
    // Moving a row that has the focus would take the focus away.
    if (elements.some((element, n) => this.body.children[n] !== element)) {
      const focused = document.activeElement;
      this.body.replaceChildren(...elements);
      if (focused instanceof HTMLElement && this.body.contains(focused)) focused.focus();
    }
  }

  /** What is wrong with these times, in words, or null. @param {number} start  @param {number} end */
  problem(start, end) {
    const length = this.act.duration();
    if (!Number.isFinite(start) || !Number.isFinite(end)) return gettext("Give both times, in seconds.");
    if (start < 0 || end > length + 0.005) return gettext("A mark lies between 0 and %(length)s s.", { length: written(length, 2) });
    if (end - start < rules.shortest_mark) return gettext("A mark ends after its start.");
    return null;
  }

  /** A time that is still being typed counts. Returns whether it can; if not, the focus stays there. */
  commit() {
    const field = document.activeElement;
    if (!(field instanceof HTMLInputElement) || !this.body.contains(field)) return true;
    field.blur();
    if (field.getAttribute("aria-invalid") !== "true") return true;
    field.focus();
    return false;
  }

  /** @param {Mark} region  @returns {Row} */
  #row(region) {
    const [whole, length, actions] = [element("tr"), element("td", "number"), element("td")];
    const play = button(gettext("Play"), () => this.act.play(row.region));
    const remove = button(gettext("Delete"), () => {
      const neighbour = whole.nextElementSibling ?? whole.previousElementSibling;
      this.act.remove(row.region);
      neighbour?.querySelector("button")?.focus();
    });
    const row = { element: whole, start: this.#time(), end: this.#time(), length, play, remove, kind: element("td", "kind"), tag: this.#tags(), region };
    for (const field of [row.start, row.end]) {
      const cell = element("td");
      cell.append(field);
      whole.append(cell);
      field.addEventListener("change", () => this.#changed(row));
      field.addEventListener("focus", () => this.act.select(row.region));
    }
    actions.append(play, " ", remove);
    row.tag.addEventListener("change", () => this.act.tag(row.region, row.tag.value));
    whole.append(length, ...(this.withKinds ? [row.kind] : []), actions);
    return row;
  }

  /** @param {Row} row  @param {Mark} region  @param {number} number */
  #fill(row, region, number) {
    row.region = region;
    if (document.activeElement !== row.start) row.start.value = region.start.toFixed(2);
    if (document.activeElement !== row.end) row.end.value = region.end.toFixed(2);
    row.length.textContent = `${written(region.end - region.start, 2)} s`;
    row.element.classList.toggle("selected", region.selected);
    row.start.setAttribute("aria-label", gettext("Start of mark %(number)s, seconds", { number }));
    row.end.setAttribute("aria-label", gettext("End of mark %(number)s, seconds", { number }));
    if (region.missing) row.kind.textContent = gettext("missing");
    else if (rules.tags.length && !row.kind.contains(row.tag)) row.kind.replaceChildren(row.tag);
    row.tag.value = region.tag ?? "";
    row.tag.setAttribute("aria-label", gettext("What leaks at mark %(number)s", { number }));
    row.play.setAttribute("aria-label", gettext("Play mark %(number)s", { number }));
    row.remove.setAttribute("aria-label", gettext("Delete mark %(number)s", { number }));
    return row;
  }

  /** @param {Row} row */
  #changed(row) {
    const [start, end] = [row.start.valueAsNumber, row.end.valueAsNumber];
    const problem = this.problem(start, end);
    this.error.textContent = problem ?? "";
    row.start.setAttribute("aria-invalid", String(Boolean(problem)));
    row.end.setAttribute("aria-invalid", String(Boolean(problem)));
    if (!problem) this.act.change(row.region, start, end);
  }

  #time() {
    const field = document.createElement("input");
    Object.assign(field, { type: "number", min: "0", step: "0.01", inputMode: "decimal" });
    return field;
  }

  /** Whether marks say more than their times; then the table has a column for it. */
  get withKinds() {
    return rules.tags.length > 0 || rules.missing_label !== "";
  }

  /** What may leak; the first is nothing said. */
  #tags() {
    const choice = document.createElement("select");
    for (const tag of ["", ...rules.tags]) choice.append(new Option(tag || "–", tag));
    return choice;
  }

  #none() {
    const row = element("tr");
    const cell = element("td", "none", gettext("None yet. Hold the button (or its key) while you hear it, drag over the picture, or type times below."));
    cell.setAttribute("colspan", this.withKinds ? "5" : "4");
    row.append(cell);
    return row;
  }
}
