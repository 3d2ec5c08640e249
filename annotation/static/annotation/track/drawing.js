// @ts-check
// What is drawn of a track: the shape of the whole with its clips, and the spectrogram of one part with its axes.
import { pitchLines, timeLines } from "../shared/axes.js";
import { rules } from "../shared/rules.js";

const COLUMNS = 125; // of a spectrogram, in a second
const APART = 90; // pixels at least between two lines of time
const CLOSE = 18; // pixels at least between two lines of frequency
const CLIP = 12; // pixels of the row of clips

/** A canvas with the pixels of the screen, emptied. @param {HTMLCanvasElement} canvas  @param {number} high */
function ready(canvas, high) {
  const ratio = devicePixelRatio;
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(high * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, high);
  return { context, width };
}

/** The colour that a name of the site's sheet stands for now. @param {string} name */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "gray";
}

/**
 * The waveform of the whole track, hundredths of full scale; under it the clips, over it what was agreed on, and which part is shown.
 * @param {HTMLCanvasElement} canvas
 * @param {{ peaks: number[], duration: number, clips: TrackClip[], shown: Part }} what
 */
export function drawShape(canvas, { peaks, duration, clips, shown }) {
  const high = 96;
  const { context, width } = ready(canvas, high);
  const x = (/** @type {number} */ second) => (second / duration) * width;
  const [middle, most] = [(high - CLIP - 4) / 2, (high - CLIP - 6) / 2];
  context.fillStyle = colour("accent-soft");
  context.fillRect(x(shown.start), 0, Math.max(2, x(shown.end) - x(shown.start)), high - CLIP - 3);
  context.fillStyle = colour("series-1");
  for (let at = 0; at < width; at += 1) {
    const [from, to] = [Math.floor((at / width) * peaks.length), Math.max(Math.floor((at / width) * peaks.length) + 1, Math.floor(((at + 1) / width) * peaks.length))];
    const swing = (Math.max(0, ...peaks.slice(from, to)) / 100) * most;
    context.fillRect(at, middle - swing, 1, Math.max(1, 2 * swing));
  }
  for (const { start, end, state, regions } of clips) {
    context.fillStyle = colour(state === "closed" ? "good" : state === "in review" ? "warn" : state === "open" ? "accent" : "line");
    context.fillRect(x(start), high - CLIP, Math.max(2, x(end) - x(start) - 1), CLIP);
    context.fillStyle = colour("series-2");
    for (const [first, last] of regions) context.fillRect(x(first), 0, Math.max(2, x(last) - x(first)), 6);
  }
}

/**
 * The spectrogram of a part; null: it is on its way.
 * @param {HTMLCanvasElement} canvas
 * @param {{ image: HTMLImageElement | null, shown: Part }} what
 */
export function drawPicture(canvas, { image, shown: { start, end } }) {
  const high = 220;
  const { context, width } = ready(canvas, high);
  const length = end - start;
  context.fillStyle = rules.darkest;
  context.fillRect(0, 0, width, high);
  if (image) context.drawImage(image, 0, 0, (image.naturalWidth / COLUMNS / length) * width, high);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "top";
  for (const { second, label } of timeLines({ start, length }, APART / width)) {
    const x = Math.round(((second - start) / length) * width);
    line(context, x, 0, 1, high);
    if (x + 40 < width) said(context, label, x + 3, 2);
  }
  let lowest = high;
  for (const { share, label } of pitchLines()) {
    const y = Math.round(share * high);
    if (lowest - y < CLOSE || y < CLOSE) continue;
    lowest = y;
    line(context, 0, y, width, 1);
    said(context, label, 3, y - 13);
  }
}

/** @param {CanvasRenderingContext2D} context  @param {number} x  @param {number} y  @param {number} width  @param {number} height */
function line(context, x, y, width, height) {
  context.fillStyle = "rgba(255, 255, 255, .14)";
  context.fillRect(x, y, width, height);
}

/** @param {CanvasRenderingContext2D} context  @param {string} text  @param {number} x  @param {number} y */
function said(context, text, x, y) {
  context.fillStyle = "rgba(0, 0, 0, .55)";
  context.fillRect(x - 2, y - 1, context.measureText(text).width + 4, 13);
  context.fillStyle = "rgba(255, 255, 255, .9)";
  context.fillText(text, x, y);
}
