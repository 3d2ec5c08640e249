// @ts-check
// The spectrogram over the waveform, on the same seconds: to seek, to select, to drag the edges of marks, to see what was heard.
import { rules } from "./rules.js";

const GRIP = 6; // pixels on either side of an edge that take hold of it
const CLICK = 4; // pixels that a click may wander

/**
 * What a pointer drags, `x` being where it went down: an edge of a mark to between `start` and `end`, or a selection from `from` on.
 * @typedef {{ kind: "edge", region: Mark, side: "start" | "end", start: number, end: number, x: number, moved: boolean }} EdgeDrag
 * @typedef {{ kind: "select", from: number, x: number, moved: boolean }} SelectDrag
 */

export class Strip {
  /** @type {HTMLImageElement | null} */
  #picture = null;
  /** @type {(View & { duration: number }) | null} */
  #view = null;
  #drawn = "";
  /** @type {EdgeDrag | SelectDrag | null} */
  #drag = null;
  /** @type {Part | null} */
  selection = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ seek: (time: number) => void, select: (stretch: Part | null) => void, change: (region: Mark, start: number, end: number) => void,
   *   zoom: (factor: number, around: number) => void, scroll: (start: number) => void, regions: () => Mark[] }} act
   */
  constructor(canvas, act) {
    this.canvas = canvas;
    this.act = act;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", () => this.#up());
    canvas.addEventListener("pointercancel", () => (this.#drag = null));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** Show this picture, which spans the clip. @param {HTMLImageElement | null} picture */
  show(picture) {
    this.#picture = picture;
    this.#drawn = "";
  }

  get hasPicture() {
    return this.#picture !== null;
  }

  /**
   * Draw what `view` shows of a clip, `open` being a mark in the making. Called on every frame.
   * @param {{ view: View | null, duration: number, time: number, marks: Mark[], open: Stretch[], heard: Stretch[] }} shown
   */
  draw({ view, duration, time, marks, open, heard }) {
    if (!view || !duration) return;
    this.#view = { ...view, duration };
    const edited = this.#drag?.kind === "edge" ? this.#drag : null;
    const shown = marks.map((mark) => (edited?.region.id === mark.id ? { ...mark, start: edited.start, end: edited.end } : mark));
    const state = JSON.stringify([view, time, shown, open, heard, this.selection, this.canvas.clientHeight, Boolean(this.#picture)]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#place(view);
    const { context } = this;
    const [width, height] = [this.canvas.width, this.canvas.height];
    const x = (/** @type {number} */ seconds) => ((seconds - view.start) / view.length) * width;
    /** @param {number} start  @param {number} end  @param {number} top  @param {number} bottom */
    const stretch = (start, end, top, bottom) => context.fillRect(x(start), top, Math.max(1, x(end) - x(start)), bottom - top);
    context.fillStyle = rules.darkest;
    context.fillRect(0, 0, width, height);
    if (this.#picture) {
      const per = this.#picture.naturalWidth / duration;
      context.drawImage(this.#picture, view.start * per, 0, view.length * per, this.#picture.naturalHeight, 0, 0, width, height);
    }
    for (const mark of shown) {
      context.fillStyle = mark.selected ? "rgba(255, 255, 255, .35)" : "rgba(255, 120, 140, .35)";
      stretch(mark.start, mark.end, 0, height);
      context.fillStyle = "#ff9aa8";
      for (const edge of [mark.start, mark.end]) context.fillRect(x(edge) - 1, 0, 2, height);
    }
    if (this.selection) {
      context.fillStyle = "rgba(120, 190, 255, .35)";
      stretch(this.selection.start, this.selection.end, 0, height);
    }
    context.fillStyle = "rgba(255, 120, 140, .6)";
    for (const [start, end] of open) stretch(start, end, 0, height);
    const bar = Math.max(4, height * 0.04);
    context.fillStyle = "#555";
    context.fillRect(0, height - bar, width, bar);
    context.fillStyle = "#5ad08a";
    for (const [start, end] of heard) stretch(start, end, height - bar, height);
    context.fillStyle = "#fff";
    context.fillRect(Math.round(x(time)) - 1, 0, 2, height);
  }

  /** Pixels of the canvas are those of the screen; its place is the waveform's. @param {View} view */
  #place({ left, width }) {
    const { canvas } = this;
    const frame = /** @type {HTMLElement} */ (canvas.parentElement);
    const margin = `${left - frame.getBoundingClientRect().left - frame.clientLeft}px`;
    if (canvas.style.marginLeft !== margin) canvas.style.marginLeft = margin;
    if (canvas.style.width !== `${width}px`) canvas.style.width = `${width}px`;
    const pixels = [Math.round(width * devicePixelRatio), Math.round(canvas.clientHeight * devicePixelRatio)];
    if (canvas.width !== pixels[0]) canvas.width = pixels[0];
    if (canvas.height !== pixels[1]) canvas.height = pixels[1];
  }

  /** @param {MouseEvent} event  @param {View & { duration: number }} view */
  #seconds(event, { start, length, duration }) {
    const { left, width } = this.canvas.getBoundingClientRect();
    return Math.max(0, Math.min(start + ((event.clientX - left) / width) * length, duration));
  }

  /** The mark whose edge is under the pointer, or undefined. @param {MouseEvent} event  @param {View & { duration: number }} view */
  #edge(event, view) {
    const near = (GRIP / this.canvas.clientWidth) * view.length;
    const at = this.#seconds(event, view);
    const sides = /** @type {const} */ (["start", "end"]);
    const edges = this.act.regions().flatMap((region) => sides.map((side) => ({ region, side, far: Math.abs(region[side] - at) })));
    return edges.filter((edge) => edge.far <= near).sort((a, b) => a.far - b.far)[0];
  }

  /** @param {PointerEvent} event */
  #down(event) {
    const view = this.#view;
    if (!view || event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    const edge = this.#edge(event, view);
    const at = this.#seconds(event, view);
    this.#drag = edge
      ? { kind: "edge", region: edge.region, side: edge.side, start: edge.region.start, end: edge.region.end, x: event.clientX, moved: false }
      : { kind: "select", from: at, x: event.clientX, moved: false };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const [drag, view] = [this.#drag, this.#view];
    if (!view) return;
    if (!drag) {
      this.canvas.style.cursor = this.#edge(event, view) ? "ew-resize" : "crosshair";
      return;
    }
    const at = this.#seconds(event, view);
    drag.moved ||= Math.abs(event.clientX - drag.x) > (drag.kind === "edge" ? 0 : CLICK);
    if (drag.kind === "edge") {
      const other = drag.side === "start" ? drag.region.end : drag.region.start;
      [drag.start, drag.end] = [Math.min(at, other), Math.max(at, other)];
    } else if (drag.moved) {
      this.#select({ start: Math.min(drag.from, at), end: Math.max(drag.from, at) });
    }
  }

  #up() {
    const drag = this.#drag;
    this.letGo();
    if (drag?.kind !== "select" || drag.moved) return;
    this.#select(null);
    this.act.seek(drag.from);
  }

  /** End what is being dragged where it is. */
  letGo() {
    const drag = this.#drag;
    this.#drag = null;
    if (drag?.kind === "edge" && drag.moved && drag.end - drag.start >= rules.shortest_mark) this.act.change(drag.region, drag.start, drag.end);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const view = this.#view;
    if (!view) return;
    if (event.ctrlKey || event.metaKey) this.act.zoom(Math.exp(-event.deltaY / 300), this.#seconds(event, view));
    else if (event.deltaX || event.shiftKey) this.act.scroll(view.start + ((event.deltaX || event.deltaY) / this.canvas.clientWidth) * view.length);
    else return;
    event.preventDefault();
  }

  /** @param {Part | null} stretch */
  #select(stretch) {
    this.selection = stretch;
    this.act.select(stretch);
  }
}
