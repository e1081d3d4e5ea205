/** Texts that the server composes: a key and values, which may be numbers, words, other texts and lists of them. */

import { formatNumber, language, t } from "../locale.js";

/** @typedef {{ key: string, values: Record<string, Value> }} Composed */
/** @typedef {string | number | boolean | null | Composed} Part */
/** @typedef {Part | Part[]} Value */

const LONGEST = 1e4;

/**
 * A value as the language shown writes it.
 * @param {Value} value
 * @returns {string}
 */
export function words(value) {
  if (Array.isArray(value)) return new Intl.ListFormat(language(), { type: "conjunction" }).format(value.map(words));
  if (typeof value === "number") return number(value);
  if (value === null) return "–";
  if (typeof value !== "object") return String(value);
  return t(value.key, Object.fromEntries(Object.entries(value.values).map(([name, part]) => [name, words(part)])));
}

/**
 * A number with three significant digits; whole ones stay whole.
 * @param {number} value
 * @returns {string}
 */
export function number(value) {
  const whole = Number.isInteger(value) && Math.abs(value) < LONGEST;
  if (whole || !Number.isFinite(value)) return formatNumber(value);
  if (Math.abs(value) >= 100) return formatNumber(Math.round(value));
  return Math.abs(value) < 1e-4 ? formatNumber(value) : formatNumber(value, { maximumSignificantDigits: 3 });
}
