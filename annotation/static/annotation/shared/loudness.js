// @ts-check
// How loud a clip is, after ITU-R BS.1770-4: K-weighting, blocks of 0.4 s, gates at -70 LUFS and 10 LU under the ungated mean.

const BLOCK = 0.4; // seconds
const HOP = 0.1;
const QUIETEST = -70; // LUFS
const MOST_BOOST = 12; // dB: a stem that is nearly silent stays quiet

/** Integrated loudness of a buffer in LUFS, -Infinity for silence. @param {AudioBuffer} buffer */
export async function loudness(buffer) {
  const context = new OfflineAudioContext(buffer.numberOfChannels, buffer.length, buffer.sampleRate);
  const source = new AudioBufferSourceNode(context, { buffer });
  const [first, second] = [shelf(buffer.sampleRate), highPass(buffer.sampleRate)].map((stage) => new IIRFilterNode(context, stage));
  source.connect(first).connect(second).connect(context.destination);
  source.start();
  const weighted = await context.startRendering();
  return gated(blockPowers(weighted));
}

/**
 * Coefficients of the first stage, the head as a sphere; for any rate as in libebur128, which at 48 kHz are the standard's.
 * @param {number} rate
 */
export function shelf(rate) {
  const [gain, q] = [10 ** (3.999843853973347 / 20), 0.7071752369554196];
  const k = Math.tan((Math.PI * 1681.974450955533) / rate);
  const middle = gain ** 0.4996667741545416;
  const feedforward = [gain + (middle * k) / q + k * k, 2 * (k * k - gain), gain - (middle * k) / q + k * k];
  return { feedforward, feedback: [1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k] };
}

/** Those of the second stage, against rumble. @param {number} rate */
export function highPass(rate) {
  const q = 0.5003270373238773;
  const k = Math.tan((Math.PI * 38.13547087602444) / rate);
  const whole = 1 + k / q + k * k;
  return { feedforward: [1, -2, 1], feedback: [1, (2 * (k * k - 1)) / whole, (1 - k / q + k * k) / whole] };
}

/** Mean square of every block, channels added up. @param {AudioBuffer} buffer */
export function blockPowers(buffer) {
  const hop = Math.round(HOP * buffer.sampleRate);
  const hops = new Float64Array(Math.ceil(buffer.length / hop));
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    const samples = buffer.getChannelData(channel);
    for (let n = 0; n < samples.length; n += 1) hops[Math.floor(n / hop)] += samples[n] * samples[n];
  }
  const per = Math.round(BLOCK / HOP);
  const n = Math.max(1, hops.length - per + 1);
  return Array.from({ length: n }, (_, first) => hops.slice(first, first + per).reduce((sum, one) => sum + one, 0) / (per * hop));
}

/** The loudness in LUFS of blocks with these powers. @param {number[]} powers */
export function gated(powers) {
  /** @param {number} power */
  const lufs = (power) => -0.691 + 10 * Math.log10(power);
  /** @param {number[]} some */
  const mean = (some) => some.reduce((sum, one) => sum + one, 0) / some.length;
  const audible = powers.filter((power) => lufs(power) > QUIETEST);
  if (!audible.length) return -Infinity;
  const gate = lufs(mean(audible)) - 10;
  return lufs(mean(audible.filter((power) => lufs(power) > gate)));
}

/** Gains that bring the stems to one loudness. @param {Record<string, AudioBuffer>} buffers */
export async function equalLevels(buffers) {
  const stems = Object.keys(buffers);
  const loud = await Promise.all(stems.map((stem) => loudness(buffers[stem])));
  return levelled(Object.fromEntries(stems.map((stem, n) => [stem, { lufs: loud[n], peak: peak(buffers[stem]) }])));
}

/**
 * Gains that bring sounds to the loudest one's loudness, none boosted by more than 12 dB, none driven past full scale.
 * @param {Record<string, { lufs: number, peak: number }>} sounds
 */
export function levelled(sounds) {
  const all = Object.entries(sounds);
  const target = Math.max(...all.map(([, { lufs }]) => lufs));
  const levels = Object.fromEntries(
    all.map(([stem, { lufs }]) => [stem, Number.isFinite(lufs) ? 10 ** (Math.min(target - lufs, MOST_BOOST) / 20) : 1]),
  );
  const loudest = Math.max(...all.map(([stem, { peak: most }]) => levels[stem] * most));
  if (loudest > 1) for (const stem of Object.keys(levels)) levels[stem] /= loudest;
  return levels;
}

/** @param {AudioBuffer} buffer */
function peak(buffer) {
  let most = 0;
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    for (const sample of buffer.getChannelData(channel)) if (sample > most || -sample > most) most = Math.abs(sample);
  }
  return most;
}
