/** The middle and the spread of many curves. */

/**
 * Return the quantile of sorted numbers, interpolated between neighbours.
 * @param {number[]} sorted
 * @param {number} share 0 to 1
 * @returns {number} NaN for none
 */
export function quantile(sorted, share) {
  if (!sorted.length) return NaN;
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const left = sorted[below] ?? NaN;
  const right = sorted[Math.ceil(place)] ?? left;
  return left + (right - left) * (place - below);
}

/**
 * @typedef {object} Fan
 * @property {number[]} x
 * @property {number[]} low the lower quartile at each x
 * @property {number[]} middle the median
 * @property {number[]} high the upper quartile
 */

/**
 * Return the quartiles of curves that share their x. A curve that diverged counts as infinitely bad from there on,
 * so that the median does not improve when networks blow up.
 * @param {{x: ArrayLike<number>, y: ArrayLike<number>}[]} curves
 * @returns {Fan}
 */
export function fan(curves) {
  /** @type {Fan} */
  const quartiles = { x: [], low: [], middle: [], high: [] };
  /** @type {ArrayLike<number>} */
  let longest = [];
  for (const { x } of curves) if (x.length > longest.length) longest = x;
  for (let i = 0; i < longest.length; i += 1) {
    const values = curves.map((curve) => finiteOr(curve.y[i], Infinity)).sort((a, b) => a - b);
    quartiles.x.push(Number(longest[i]));
    quartiles.low.push(quantile(values, 0.25));
    quartiles.middle.push(quantile(values, 0.5));
    quartiles.high.push(quantile(values, 0.75));
  }
  return quartiles;
}

/**
 * @param {number | undefined} value
 * @param {number} otherwise
 */
function finiteOr(value, otherwise) {
  return value !== undefined && Number.isFinite(value) ? value : otherwise;
}
