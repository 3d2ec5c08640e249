// The spectrogram over the waveform, on the same seconds: to seek, to select, to drag the edges of marks, to see what was heard.

const GRIP = 6; // pixels on either side of an edge that take hold of it
const CLICK = 4; // pixels that a click may wander

export class Strip {
  #picture = null;
  #view = null;
  #drawn = "";
  #drag = null;

  /** `act` holds seek(time), select(stretch or null), change(region, start, end), zoom(factor, time), scroll(start), regions(). */
  constructor(canvas, act) {
    this.canvas = canvas;
    this.act = act;
    this.selection = null;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", () => this.#up());
    canvas.addEventListener("pointercancel", () => (this.#drag = null));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** Show this picture (an image or null), which spans the clip. */
  show(picture) {
    this.#picture = picture;
    this.#drawn = "";
  }

  get hasPicture() {
    return this.#picture !== null;
  }

  /** Draw what `view` shows ({start, length, left, width}, seconds and page pixels) of a clip, `open` being a mark in the making. Called on every frame. */
  draw({ view, duration, time, marks, open, heard }) {
    if (!view || !duration) return;
    this.#view = { ...view, duration };
    const edited = this.#drag?.kind === "edge" ? this.#drag : null;
    const shown = marks.map((mark) => (edited?.region.id === mark.id ? { ...mark, start: edited.start, end: edited.end } : mark));
    const state = JSON.stringify([view, time, shown, open, heard, this.selection, this.canvas.clientHeight, Boolean(this.#picture)]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#place(view);
    const context = this.canvas.getContext("2d");
    const [width, height] = [this.canvas.width, this.canvas.height];
    const x = (seconds) => ((seconds - view.start) / view.length) * width;
    const stretch = (start, end, top, bottom) => context.fillRect(x(start), top, Math.max(1, x(end) - x(start)), bottom - top);
    context.fillStyle = "#0a081e";
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

  /** Pixels of the canvas are those of the screen; its place is the waveform's. */
  #place({ left, width }) {
    const { canvas } = this;
    const margin = `${left - canvas.parentElement.getBoundingClientRect().left - canvas.parentElement.clientLeft}px`;
    if (canvas.style.marginLeft !== margin) canvas.style.marginLeft = margin;
    if (canvas.style.width !== `${width}px`) canvas.style.width = `${width}px`;
    const pixels = [Math.round(width * devicePixelRatio), Math.round(canvas.clientHeight * devicePixelRatio)];
    if (canvas.width !== pixels[0]) canvas.width = pixels[0];
    if (canvas.height !== pixels[1]) canvas.height = pixels[1];
  }

  #seconds(event) {
    const { left, width } = this.canvas.getBoundingClientRect();
    const { start, length, duration } = this.#view;
    return Math.max(0, Math.min(start + ((event.clientX - left) / width) * length, duration));
  }

  /** The mark whose edge is under the pointer: {region, side}, or undefined. */
  #edge(event) {
    const near = (GRIP / this.canvas.clientWidth) * this.#view.length;
    const at = this.#seconds(event);
    const edges = this.act.regions().flatMap((region) => ["start", "end"].map((side) => ({ region, side, far: Math.abs(region[side] - at) })));
    return edges.filter((edge) => edge.far <= near).sort((a, b) => a.far - b.far)[0];
  }

  #down(event) {
    if (!this.#view || event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    const edge = this.#edge(event);
    const at = this.#seconds(event);
    this.#drag = edge
      ? { kind: "edge", region: edge.region, side: edge.side, start: edge.region.start, end: edge.region.end, x: event.clientX, moved: false }
      : { kind: "select", from: at, x: event.clientX, moved: false };
  }

  #move(event) {
    const drag = this.#drag;
    if (!drag) {
      if (this.#view) this.canvas.style.cursor = this.#edge(event) ? "ew-resize" : "crosshair";
      return;
    }
    const at = this.#seconds(event);
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
    if (drag?.kind === "edge" && drag.moved && drag.end - drag.start >= 0.02) this.act.change(drag.region, drag.start, drag.end);
  }

  #wheel(event) {
    if (!this.#view) return;
    if (event.ctrlKey || event.metaKey) this.act.zoom(Math.exp(-event.deltaY / 300), this.#seconds(event));
    else if (event.deltaX || event.shiftKey) this.act.scroll(this.#view.start + ((event.deltaX || event.deltaY) / this.canvas.clientWidth) * this.#view.length);
    else return;
    event.preventDefault();
  }

  #select(stretch) {
    this.selection = stretch;
    this.act.select(stretch);
  }
}
