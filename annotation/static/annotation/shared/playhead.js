// @ts-check
// A line over a picture of time that shows where play is: moved by itself, so that nothing under it has to be drawn again.
import { element } from "./elements.js";

export class Playhead {
  #moved = "";
  time = 0; // clip seconds, where it stands

  /** `frame` is what it lies over. @param {HTMLElement} frame */
  constructor(frame) {
    this.frame = frame;
    this.line = element("div", "playhead");
    this.put();
  }

  /** Lie over the frame, whose content may have been exchanged. */
  put() {
    this.frame.append(this.line);
  }

  /** Stand at this clip second of what `view` shows. @param {number} time  @param {View} view */
  show(time, { start, length, left, width }) {
    this.time = time;
    const inside = time >= start - 1e-6 && time <= start + length + 1e-6;
    const x = left - this.frame.getBoundingClientRect().left - this.frame.clientLeft + ((time - start) / length) * width;
    const moved = inside ? `translateX(${x.toFixed(1)}px)` : "translateX(-10px)";
    if (moved === this.#moved) return;
    this.#moved = moved;
    this.line.style.transform = moved;
  }
}
