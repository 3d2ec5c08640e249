// The table of marks: everything that the waveform offers, for the keyboard and for screen readers.

const SHORTEST = 0.02; // seconds

export class RegionTable {
  /** `act` holds play, change, remove and select, each taking a region, and duration(). */
  constructor(body, count, error, act) {
    this.body = body;
    this.count = count;
    this.error = error;
    this.act = act;
    this.shown = null;
    this.rows = new Map();
  }

  /** Show these regions; a field that somebody is typing in keeps its text. */
  show(regions) {
    const text = JSON.stringify(regions);
    if (text === this.shown) return;
    this.shown = text;
    this.count.textContent = regions.length ? `(${regions.length})` : "";
    const fresh = new Map(regions.map((region, n) => [region.id, this.#fill(this.rows.get(region.id) ?? this.#row(), region, n + 1)]));
    for (const [id, row] of this.rows) if (!fresh.has(id)) row.element.remove();
    this.rows = fresh;
    const elements = [...fresh.values()].map((row) => row.element);
    if (!elements.length) return this.body.replaceChildren(this.#none());
    // Moving a row that has the focus would take the focus away.
    if (elements.some((element, n) => this.body.children[n] !== element)) {
      const focused = document.activeElement;
      this.body.replaceChildren(...elements);
      if (this.body.contains(focused)) focused.focus();
    }
  }

  /** What is wrong with these times, in words, or null. */
  problem(start, end) {
    const length = this.act.duration();
    if (!Number.isFinite(start) || !Number.isFinite(end)) return "Give both times, in seconds.";
    if (start < 0 || end > length + 0.005) return `A mark lies between 0 and ${length.toFixed(2)} s.`;
    if (end - start < SHORTEST) return "A mark ends after its start.";
    return null;
  }

  /** A time that is still being typed counts. Returns whether it can; if not, the focus stays there. */
  commit() {
    const field = document.activeElement;
    if (!this.body.contains(field) || !field.matches("input")) return true;
    field.blur();
    if (field.getAttribute("aria-invalid") !== "true") return true;
    field.focus();
    return false;
  }

  #row() {
    const element = document.createElement("tr");
    const [start, end] = [this.#time(), this.#time()];
    const length = document.createElement("td");
    length.className = "number";
    const [play, remove] = [this.#button("Play"), this.#button("Delete")];
    const row = { element, start, end, length, play, remove, region: null };
    for (const field of [start, end]) {
      const cell = document.createElement("td");
      cell.append(field);
      element.append(cell);
      field.addEventListener("change", () => this.#changed(row));
      field.addEventListener("focus", () => this.act.select(row.region));
    }
    const actions = document.createElement("td");
    actions.append(play, " ", remove);
    element.append(length, actions);
    play.addEventListener("click", () => this.act.play(row.region));
    remove.addEventListener("click", () => {
      const neighbour = element.nextElementSibling ?? element.previousElementSibling;
      this.act.remove(row.region);
      neighbour?.querySelector("button")?.focus();
    });
    return row;
  }

  #fill(row, region, number) {
    row.region = region;
    if (document.activeElement !== row.start) row.start.value = region.start.toFixed(2);
    if (document.activeElement !== row.end) row.end.value = region.end.toFixed(2);
    row.length.textContent = `${(region.end - region.start).toFixed(2)} s`;
    row.element.classList.toggle("selected", Boolean(region.selected));
    row.start.setAttribute("aria-label", `Start of mark ${number}, seconds`);
    row.end.setAttribute("aria-label", `End of mark ${number}, seconds`);
    row.play.setAttribute("aria-label", `Play mark ${number}`);
    row.remove.setAttribute("aria-label", `Delete mark ${number}`);
    return row;
  }

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

  #button(text) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    return button;
  }

  #none() {
    const row = document.createElement("tr");
    const cell = document.createElement("td");
    cell.colSpan = 4;
    cell.className = "none";
    cell.textContent = "None yet. Hold the button (or its key) while you hear it, drag over the picture and mark the selection, or type times below.";
    row.append(cell);
    return row;
  }
}
