/** Numbered axes: where the ticks are and how they are written. */

import { formatNumber } from "../locale.js";

/**
 * Round numbers between two ends.
 * @param {number} low
 * @param {number} high
 * @param {number} count about so many
 * @returns {number[]}
 */
export function linearTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (rough / power > 5 ? 10 : rough / power > 2 ? 5 : rough / power > 1 ? 2 : 1) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/**
 * Powers of ten between two ends.
 * @param {number} low above 0
 * @param {number} high
 * @returns {number[]}
 */
export function logarithmicTicks(low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / 6));
  const ticks = [];
  for (let power = first; power <= last; power += every) ticks.push(Number(`1e${power}`));
  return ticks.length > 1 ? ticks : [low, high];
}

/**
 * @param {number} value
 * @returns {string}
 */
export function tickText(value) {
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-3))
    return formatNumber(value, { notation: "scientific", maximumSignificantDigits: 2 });
  return formatNumber(value, { maximumSignificantDigits: 3 });
}
