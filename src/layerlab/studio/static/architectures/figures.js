/** Large numbers as people read them, and how two of them differ. */

import { formatNumber } from "../locale.js";

/** Between a number and its unit no line breaks. */
const JOINT = "\u00a0";
const UNITS = ["", "k", "M", "G", "T", "P"];

/**
 * Three or four digits with a unit: 40.6 M.
 * @param {number} count
 * @returns {string}
 */
export function short(count) {
  let [value, unit] = [count, 0];
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  const written = formatNumber(value, unit ? { maximumSignificantDigits: 3 } : {});
  return unit ? `${written}${JOINT}${UNITS[unit]}` : written;
}

/**
 * @param {number} size
 * @returns {string}
 */
export function bytes(size) {
  const written = short(size);
  return /\p{L}$/u.test(written) ? `${written}B` : `${written}${JOINT}B`;
}

/**
 * What came to a number: +1.2 M (+50 %); empty where nothing did.
 * @param {number} now
 * @param {number} before
 * @param {(count: number) => string} written
 * @returns {string}
 */
export function change(now, before, written) {
  const difference = now - before;
  if (difference === 0) return "";
  const signed = `${difference > 0 ? "+" : "−"}${written(Math.abs(difference))}`;
  if (before === 0) return signed;
  const share = (100 * difference) / before;
  const size = formatNumber(Math.abs(share), { maximumFractionDigits: Math.abs(share) < 10 ? 1 : 0 });
  return `${signed} (${share > 0 ? "+" : "−"}${size}${JOINT}%)`;
}

/**
 * How often another number fits into this one: ×0.25.
 * @param {number} now
 * @param {number} other
 * @returns {string}
 */
export function times(now, other) {
  return other === 0 ? "" : `×${formatNumber(now / other, { maximumSignificantDigits: 3 })}`;
}
