// @ts-check
// The spectrogram with its axes, as the strip shows it: made anew only where it shows something else than before.
import { pitchLines, timeLines } from "./axes.js";
import { rules } from "./rules.js";

const APART = 90; // pixels at least between two lines of time
const CLOSE = 18; // pixels at least between two lines of frequency

/** @param {number} width  @param {number} height */
function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  return { canvas, context: /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")) };
}

/** "#0a081e" -> the number of its colour @param {string} colour */
function numberOf(colour) {
  return parseInt(colour.slice(1), 16);
}

/**
 * The same picture with what is at or under `floor`, dB, in the darkest colour, and all above it spread over the others.
 * @param {HTMLImageElement} image
 * @param {number} floor
 */
function above(image, floor) {
  const { palette, floor: lowest, top } = rules.picture;
  const { canvas, context } = canvasOf(image.naturalWidth, image.naturalHeight);
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const last = palette.length - 1;
  const shades = new Map(palette.map((colour, shade) => {
    const level = lowest + (shade / last) * (top - lowest);
    return [numberOf(colour), numberOf(palette[Math.max(0, Math.round(((level - floor) / (top - floor)) * last))])];
  }));
  const { data } = pixels;
  for (let at = 0; at < data.length; at += 4) {
    const colour = shades.get((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
    if (colour !== undefined) [data[at], data[at + 1], data[at + 2]] = [colour >> 16, (colour >> 8) & 255, colour & 255];
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

export class Picture {
  /** @type {HTMLImageElement | null} */
  #image = null;
  /** @type {HTMLImageElement | HTMLCanvasElement | null} the image, or what is above another floor of it */
  #shown = null;
  #floor = rules.picture.floor;
  #drawn = "";
  #made = canvasOf(1, 1);

  /** Show this image, which spans the clip. @param {HTMLImageElement | null} image */
  show(image) {
    this.#image = image;
    this.#again();
  }

  get isThere() {
    return this.#image !== null;
  }

  /** The faintest that is told from nothing, dB. */
  get floor() {
    return this.#floor;
  }

  set floor(floor) {
    this.#floor = floor;
    this.#again();
  }

  /**
   * What `view` shows of a clip, `width` by `height` pixels of a screen that has `ratio` of them to one of the page's.
   * @param {{ view: View, duration: number, width: number, height: number, ratio: number }} wanted
   */
  of({ view, duration, width, height, ratio }) {
    const state = [view.start, view.length, duration, width, height, ratio].join(" ");
    if (state === this.#drawn) return this.#made.canvas;
    this.#drawn = state;
    this.#made = canvasOf(width, height);
    const { context } = this.#made;
    context.fillStyle = rules.darkest;
    context.fillRect(0, 0, width, height);
    if (this.#shown && this.#image) {
      const { naturalWidth, naturalHeight } = this.#image;
      const per = naturalWidth / duration;
      context.drawImage(this.#shown, view.start * per, 0, view.length * per, naturalHeight, 0, 0, width, height);
    }
    this.#axes(view, ratio);
    return this.#made.canvas;
  }

  #again() {
    this.#drawn = "";
    this.#shown = this.#image && this.#floor > rules.picture.floor ? above(this.#image, this.#floor) : this.#image;
  }

  /** @param {View} view  @param {number} ratio */
  #axes(view, ratio) {
    const { canvas: { width, height }, context } = this.#made;
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    context.textBaseline = "top";
    const line = "rgba(255, 255, 255, .14)";
    for (const { second, label } of timeLines(view, (APART * ratio) / width)) {
      const x = Math.round(((second - view.start) / view.length) * width);
      context.fillStyle = line;
      context.fillRect(x, 0, Math.max(1, ratio), height);
      if (x + context.measureText(label).width < width) this.#label(label, x + 3 * ratio, 2 * ratio, ratio);
    }
    let lowest = height;
    for (const { share, label } of pitchLines()) {
      const y = Math.round(share * height);
      if (lowest - y < CLOSE * ratio || y < CLOSE * ratio) continue;
      lowest = y;
      context.fillStyle = line;
      context.fillRect(0, y, width, Math.max(1, ratio));
      this.#label(label, 3 * ratio, y - 13 * ratio, ratio);
    }
  }

  /** @param {string} text  @param {number} x  @param {number} y  @param {number} ratio */
  #label(text, x, y, ratio) {
    const { context } = this.#made;
    context.fillStyle = "rgba(0, 0, 0, .55)";
    context.fillRect(x - 2 * ratio, y - ratio, context.measureText(text).width + 4 * ratio, 13 * ratio);
    context.fillStyle = "rgba(255, 255, 255, .9)";
    context.fillText(text, x, y);
  }
}
