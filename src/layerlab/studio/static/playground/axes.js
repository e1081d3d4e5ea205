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
 * Powers of ten from `low` to `high`, with 2 and 5 between them where they are few; round numbers where even so there
 * are not two.
 * @param {number} low above 0
 * @param {number} high
 * @param {number} [count] at most about so many powers
 * @returns {number[]}
 */
export function logarithmicTicks(low, high, count = 5) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const stride = Math.max(1, Math.ceil((last - first) / count));
  const factors = Math.log10(high / low) < 0.45 * count ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = first; power <= last; power += stride) {
    for (const factor of factors) ticks.push(Number((factor * 10 ** power).toPrecision(12)));
  }
  const within = ticks.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
  return within.length > 1 ? within : linearTicks(low, high, 3);
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
