// @ts-check
// The spectrogram over the waveform, on the same seconds: to seek, to mark, to drag the edges of marks, to select, to see what was heard.
import { Picture } from "./picture.js";
import { Playhead } from "./playhead.js";
import { rules } from "./rules.js";

const GRIP = 8; // pixels on either side of an edge in which a mouse takes hold of it
const FINGER = 20; // pixels in which a finger does
const CLICK = 4; // pixels that a click may wander

/**
 * What a pointer drags, `x` being where it went down: an edge of a mark, `off` seconds from the pointer, to between `start` and `end`;
 * or a new mark, or a selection, which reach from `from`.
 * @typedef {{ kind: "edge", region: Mark, side: "start" | "end", off: number, start: number, end: number, x: number, moved: boolean }} EdgeDrag
 * @typedef {{ kind: "mark" | "select", from: number, start: number, end: number, x: number, moved: boolean }} NewDrag
 */

export class Strip {
  picture = new Picture();
  /** @type {(View & { duration: number }) | null} */
  #view = null;
  #drawn = "";
  /** @type {EdgeDrag | NewDrag | null} */
  #drag = null;
  /** What is gone round in, or played: no mark. `looped`: it was. @type {(Part & { looped?: boolean }) | null} */
  selection = null;
  selects = false; // whether a drag selects instead of marking, also without Shift

  /**
   * `marks` says whether a drag may make a mark, `pick` is given the mark that was clicked.
   * @param {HTMLCanvasElement} canvas
   * @param {{ seek: (time: number) => void, pick: (region: Mark, time: number) => void, select: (stretch: Part | null) => void,
   *   marks: () => boolean, add: (start: number, end: number) => void, change: (region: Mark, start: number, end: number) => void,
   *   zoom: (factor: number, around: number) => void, scroll: (start: number) => void, regions: () => Mark[] }} act
   */
  constructor(canvas, act) {
    this.canvas = canvas;
    this.act = act;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.playhead = new Playhead(/** @type {HTMLElement} */ (canvas.parentElement));
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", () => this.#up());
    canvas.addEventListener("pointercancel", () => this.cancel());
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** Show this picture, which spans the clip. @param {HTMLImageElement | null} image */
  show(image) {
    this.picture.show(image);
    this.#drawn = "";
  }

  /** Show nothing fainter than this, dB. @param {number} floor */
  showFrom(floor) {
    this.picture.floor = floor;
    this.#drawn = "";
  }

  /** Whether a pointer drags something. */
  get dragging() {
    return this.#drag !== null;
  }

  get hasPicture() {
    return this.picture.isThere;
  }

  /**
   * Draw what `view` shows of a clip, `open` being a mark in the making. Called on every frame; draws only where something is new.
   * @param {{ view: View | null, duration: number, time: number, marks: Mark[], open: Stretch[], heard: Stretch[], proposed?: Stretch[] }} shown
   */
  draw({ view, duration, time, marks, open, heard, proposed = [] }) {
    if (!view || !duration) return;
    this.#view = { ...view, duration };
    this.playhead.show(time, view);
    const drag = this.#drag;
    const shown = marks.map((mark) => (drag?.kind === "edge" && drag.region.id === mark.id ? { ...mark, start: drag.start, end: drag.end } : mark));
    /** @type {Stretch[]} */
    const made = drag?.kind === "mark" && drag.moved ? [...open, [drag.start, drag.end]] : open;
    const state = JSON.stringify([view, shown, made, heard, proposed, this.selection, this.canvas.clientHeight, devicePixelRatio]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#place(view);
    const { context } = this;
    const { width, height } = this.canvas;
    const x = (/** @type {number} */ seconds) => ((seconds - view.start) / view.length) * width;
    /** @param {number} start  @param {number} end  @param {number} top  @param {number} bottom */
    const stretch = (start, end, top, bottom) => context.fillRect(x(start), top, Math.max(1, x(end) - x(start)), bottom - top);
    context.drawImage(this.picture.of({ view, duration, width, height, ratio: devicePixelRatio }), 0, 0);
    for (const mark of shown) {
      context.fillStyle = mark.selected ? "rgba(255, 255, 255, .35)" : mark.missing ? "rgba(255, 205, 80, .35)" : "rgba(255, 120, 140, .35)";
      stretch(mark.start, mark.end, 0, height);
      context.fillStyle = mark.selected ? "#fff" : mark.missing ? "#ffd257" : "#ff9aa8";
      for (const edge of [mark.start, mark.end]) context.fillRect(x(edge) - 1, 0, 2, height);
    }
    context.strokeStyle = "#7fd4ff";
    context.lineWidth = 2;
    context.setLineDash([6, 4]);
    for (const [start, end] of proposed) context.strokeRect(x(start) + 1, 2, Math.max(2, x(end) - x(start) - 2), height - 8);
    context.setLineDash([]);
    if (this.selection) {
      context.fillStyle = "rgba(120, 190, 255, .35)";
      stretch(this.selection.start, this.selection.end, 0, height);
    }
    context.fillStyle = "rgba(255, 120, 140, .6)";
    for (const [start, end] of made) stretch(start, end, 0, height);
    const bar = Math.max(4, height * 0.03);
    context.fillStyle = "#555";
    context.fillRect(0, height - bar, width, bar);
    context.fillStyle = "#5ad08a";
    for (const [start, end] of heard) stretch(start, end, height - bar, height);
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

  /** The mark whose edge is under the pointer, or undefined. @param {PointerEvent} event  @param {View & { duration: number }} view */
  #edge(event, view) {
    const near = ((event.pointerType === "touch" ? FINGER : GRIP) / this.canvas.clientWidth) * view.length;
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
    const from = this.#seconds(event, view);
    const begun = { x: event.clientX, moved: false };
    if (edge) {
      const { region, side } = edge;
      this.#drag = { kind: "edge", region, side, off: region[side] - from, start: region.start, end: region.end, ...begun };
      return;
    }
    this.#drag = { kind: event.shiftKey || this.selects || !this.act.marks() ? "select" : "mark", from, start: from, end: from, ...begun };
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
    drag.moved ||= Math.abs(event.clientX - drag.x) > (drag.kind === "edge" ? 1 : CLICK);
    if (!drag.moved) return;
    if (drag.kind === "edge") {
      const [other, edge] = [drag.side === "start" ? drag.region.end : drag.region.start, at + drag.off];
      [drag.start, drag.end] = [Math.max(0, Math.min(edge, other)), Math.min(view.duration, Math.max(edge, other))];
    } else {
      [drag.start, drag.end] = [Math.min(at, drag.from), Math.max(at, drag.from)];
    }
    if (drag.kind === "select") this.#select({ start: drag.start, end: drag.end });
  }

  #up() {
    const drag = this.#drag;
    this.letGo();
    if (!drag || drag.moved) return;
    const at = drag.kind === "edge" ? drag.region[drag.side] : drag.from;
    const mark = drag.kind === "edge" ? drag.region : this.act.regions().find(({ start, end }) => at >= start && at <= end);
    if (mark) return this.act.pick(mark, at);
    this.#select(null);
    this.act.seek(at);
  }

  /** End what is being dragged where it is. */
  letGo() {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag?.moved || drag.end - drag.start < rules.shortest_mark) return;
    if (drag.kind === "edge") this.act.change(drag.region, drag.start, drag.end);
    if (drag.kind === "mark") this.act.add(drag.start, drag.end);
  }

  /** Give up what is being dragged: all is as before. Returns whether anything was. */
  cancel() {
    const drag = this.#drag;
    this.#drag = null;
    if (drag?.kind === "select") this.#select(null);
    return drag !== null;
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
