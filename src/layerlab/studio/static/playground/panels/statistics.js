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
  return left === right ? left : left + (right - left) * (place - below);
}

/**
 * @typedef {object} Fan
 * @property {number[]} x
 * @property {number[]} low the lower quartile at each x
 * @property {number[]} middle the median
 * @property {number[]} high the upper quartile
 */

/**
 * Return the quartiles of curves that share their x. One that is still on its way counts as far as it has come; one that
 * diverged counts as infinitely bad from there on, so that the median does not improve when networks blow up.
 * @param {{ x: ArrayLike<number>, y: ArrayLike<number>, diverged: boolean }[]} curves
 * @returns {Fan}
 */
export function fan(curves) {
  /** @type {Fan} */
  const quartiles = { x: [], low: [], middle: [], high: [] };
  /** @type {ArrayLike<number>} */
  let longest = [];
  for (const { x } of curves) if (x.length > longest.length) longest = x;
  for (let i = 0; i < longest.length; i += 1) {
    const values = curves
      .filter(({ x, diverged }) => diverged || i < x.length)
      .map(({ y }) => (Number.isFinite(y[i]) ? y[i] : Infinity))
      .sort((a, b) => a - b);
    quartiles.x.push(longest[i]);
    quartiles.low.push(quantile(values, 0.25));
    quartiles.middle.push(quantile(values, 0.5));
    quartiles.high.push(quantile(values, 0.75));
  }
  return quartiles;
}
