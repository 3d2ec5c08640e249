// @ts-check
// How far one may zoom in, the same in the editor and in the decision of a reviewer.

const FINEST = 0.002; // seconds that a pixel may stand for at most zoom: an edge is set to the hundredth

/** The zoom nearest to this one that is allowed, for a clip of `duration` seconds drawn `width` pixels wide. @param {number} zoom  @param {number} duration  @param {number} width */
export function allowedZoom(zoom, duration, width) {
  const most = Math.max(1, duration / (width * FINEST));
  return Math.max(1, Math.min(zoom, most));
}
