// How loud a clip is, after ITU-R BS.1770-4: K-weighting, blocks of 0.4 s, gates at -70 LUFS and 10 LU under the ungated mean.

const BLOCK = 0.4; // seconds
const HOP = 0.1;
const QUIETEST = -70; // LUFS
const MOST_BOOST = 12; // dB: a stem that is nearly silent stays quiet

/** Integrated loudness of a buffer in LUFS, -Infinity for silence. */
export async function loudness(buffer) {
  const context = new OfflineAudioContext(buffer.numberOfChannels, buffer.length, buffer.sampleRate);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(shelf(context)).connect(highPass(context)).connect(context.destination);
  source.start();
  const weighted = await context.startRendering();
  return gated(blockPowers(weighted));
}

/** The first stage, the head as a sphere; coefficients for any rate as in libebur128, which at 48 kHz are the standard's. */
function shelf(context) {
  const [gain, q] = [10 ** (3.999843853973347 / 20), 0.7071752369554196];
  const k = Math.tan((Math.PI * 1681.974450955533) / context.sampleRate);
  const middle = gain ** 0.4996667741545416;
  const feedforward = [gain + (middle * k) / q + k * k, 2 * (k * k - gain), gain - (middle * k) / q + k * k];
  return new IIRFilterNode(context, { feedforward, feedback: [1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k] });
}

/** The second stage, against rumble. */
function highPass(context) {
  const q = 0.5003270373238773;
  const k = Math.tan((Math.PI * 38.13547087602444) / context.sampleRate);
  const whole = 1 + k / q + k * k;
  return new IIRFilterNode(context, { feedforward: [1, -2, 1], feedback: [1, (2 * (k * k - 1)) / whole, (1 - k / q + k * k) / whole] });
}

/** Mean square of every block, channels added up. */
function blockPowers(buffer) {
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

function gated(powers) {
  const lufs = (power) => -0.691 + 10 * Math.log10(power);
  const mean = (some) => some.reduce((sum, one) => sum + one, 0) / some.length;
  const audible = powers.filter((power) => lufs(power) > QUIETEST);
  if (!audible.length) return -Infinity;
  const gate = lufs(mean(audible)) - 10;
  return lufs(mean(audible.filter((power) => lufs(power) > gate)));
}

/** Gains that bring the stems to one loudness, none boosted by more than 12 dB, none driven past full scale. */
export async function equalLevels(buffers) {
  const stems = Object.keys(buffers);
  const loud = await Promise.all(stems.map((stem) => loudness(buffers[stem])));
  const target = Math.max(...loud);
  const levels = Object.fromEntries(
    stems.map((stem, n) => [stem, Number.isFinite(loud[n]) ? 10 ** (Math.min(target - loud[n], MOST_BOOST) / 20) : 1]),
  );
  const loudest = Math.max(...stems.map((stem) => levels[stem] * peak(buffers[stem])));
  if (loudest > 1) for (const stem of stems) levels[stem] /= loudest;
  return levels;
}

function peak(buffer) {
  let most = 0;
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    for (const sample of buffer.getChannelData(channel)) if (sample > most || -sample > most) most = Math.abs(sample);
  }
  return most;
}
