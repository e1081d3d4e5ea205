/** Axes without a page: where a number lies, and the round numbers that are written beside it. */

import { linearTicks, logarithmicTicks } from "../axes.js";

/**
 * @typedef {object} Scale
 * @property {(value: number) => number} at the place of a value, in pixels; NaN for what a logarithm has not
 * @property {number[]} ticks round numbers within the range
 * @property {number} low
 * @property {number} high
 */

/**
 * Return the scale that takes `[low, high]` to `[from, to]` pixels.
 * @param {{low: number, high: number, from: number, to: number, log?: boolean, count?: number}} options
 * @returns {Scale}
 */
export function scale({ low, high, from, to, log = false, count = 5 }) {
  const raise = log ? Math.log10 : (/** @type {number} */ value) => value;
  const start = raise(low);
  const stretch = raise(high) === start ? 0 : (to - from) / (raise(high) - start);
  return {
    at: (value) => (log && !(value > 0) ? NaN : from + (raise(value) - start) * stretch),
    ticks: log ? logarithmicTicks(low, high, count) : linearTicks(low, high, count),
    low,
    high,
  };
}

/**
 * Return the range that holds all values, with a little air; a logarithmic one holds only the positive.
 * @param {Iterable<number>} values
 * @param {boolean} [log]
 * @returns {[number, number]}
 */
export function range(values, log = false) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value) || (log && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return log ? [0.001, 1] : [0, 1];
  if (log) return low === high ? [low / 2, high * 2] : [low / 1.15, high * 1.15];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}
