// @ts-check
// Marks are made in this until Label Studio's editor, which is megabytes, is there: then the editor goes on with them.
import { Decision } from "../review/decision.js";
import { asTag } from "../shared/results.js";
import { rules } from "../shared/rules.js";
import { gettext } from "../shared/words.js";

export class FirstMarks extends Decision {
  /** What the task began with. @type {Result} */
  #begun;

  /**
   * `place` says where the editor's waveform will lie.
   * @param {Result | null} begun
   * @param {number} duration  clip seconds
   * @param {() => Pick<View, "left" | "width">} place
   * @param {HTMLElement} frame
   */
  constructor(begun, duration, place, frame) {
    super(frame, () => duration, () => {});
    this.#begun = begun ?? [];
    this.place = place;
    const tags = new Map(this.#begun.map(({ id, value }) => [id, value.choices?.[0]]));
    const drawn = this.#begun.filter(({ value }) => value.labels);
    this.begin(drawn.map(({ id, value: { start, end, labels } }) => ({ id, start, end, missing: labels?.[0] === rules.missing_label, tag: tags.get(id) })));
  }

  /** A mark that was there keeps all that was known of it. @returns {Result} */
  result() {
    const tags = new Map(this.regions().map(({ id, tag }) => [id, tag]));
    return super.result().flatMap((made) => {
      const before = this.#begun.find(({ id, value }) => id === made.id && value.labels);
      const item = before ? { ...before, value: { ...before.value, start: made.value.start, end: made.value.end } } : made;
      const tag = tags.get(item.id);
      return tag ? [item, asTag(item, tag)] : [item];
    });
  }

  /** Make a mark of what the model proposes, under its id. @param {ResultItem} proposal */
  put(proposal) {
    if (!this.#begun.some(({ id }) => id === proposal.id)) this.#begun = [...this.#begun, proposal];
    this.change(proposal.id, proposal.value.start, proposal.value.end);
  }

  /** @param {string} id  @param {string} tag */
  tag(id, tag) {
    if (!this.regions().find((mark) => mark.id === id)?.missing) this.give(id, { tag: tag || undefined });
  }

  view() {
    const view = super.view();
    return view && { ...view, ...this.place() };
  }
}

/**
 * Load Label Studio's editor, whose addresses the page has: its style sheet before ours, which has the last word. Rejects where that
 * does not work. @param {DOMStringMap} addresses
 */
export async function loadEditor({ editorScript = "", editorStyle = "" }) {
  if (window.LabelStudio) return;
  const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: editorStyle });
  const script = Object.assign(document.createElement("script"), { src: editorScript });
  const loaded = [style, script].map((one) => new Promise((resolve, reject) => {
    one.addEventListener("load", resolve);
    one.addEventListener("error", () => {
      one.remove();
      reject(new Error(gettext("Label Studio's editor could not be loaded.")));
    });
  }));
  document.querySelector("link[rel=stylesheet]")?.before(style);
  document.head.append(script);
  await Promise.all(loaded);
}
