// @ts-check
// Where the lines of the spectrogram's axes lie: seconds to the right, mel upwards.
import { rules } from "./rules.js";

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]; // seconds between two lines
const HERTZ = [100, 200, 500, 1000, 2000, 5000, 10000];

/** As the server draws it: mel bands from the lowest to the highest frequency. @param {number} hertz */
function mel(hertz) {
  return 2595 * Math.log10(1 + hertz / 700);
}

/**
 * The lines of time that `view` shows, with their words; at least `apart` of its width between two.
 * @param {Pick<View, "start" | "length">} view
 * @param {number} apart
 * @returns {{ second: number, label: string }[]}
 */
export function timeLines({ start, length }, apart) {
  const step = STEPS.find((one) => one >= length * apart) ?? STEPS[STEPS.length - 1];
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  const first = Math.ceil(start / step - 1e-6);
  const n = Math.floor((start + length) / step + 1e-6) - first + 1;
  return Array.from({ length: Math.max(0, n) }, (_, i) => (first + i) * step).map((second) => ({ second, label: `${second.toFixed(digits)} s` }));
}

/** The lines of frequency, `share` being how far from the top of the picture. @returns {{ share: number, label: string }[]} */
export function pitchLines() {
  const [low, high] = [rules.picture.lowest, rules.picture.highest].map(mel);
  return HERTZ.map((hertz) => ({ share: 1 - (mel(hertz) - low) / (high - low), label: hertz < 1000 ? `${hertz} Hz` : `${hertz / 1000} kHz` }));
}
