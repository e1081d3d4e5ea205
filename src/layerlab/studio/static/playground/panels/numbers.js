/** Numbers as short as may be: what stands on axes and links has little room. */

import { formatNumber } from "../../locale.js";

/** @type {Record<string, string>} */
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/**
 * A number with a few significant digits; very large and very small ones as a power of ten.
 * @param {number | null} value null: there is none
 * @param {number} [digits]
 * @returns {string}
 */
export function brief(value, digits = 3) {
  if (value === null) return "–";
  if (value === 0) return "0"; // minus zero too
  const size = Math.abs(value);
  if (!Number.isFinite(value) || (size >= 5e-4 && size < 1e5)) return formatNumber(value, { maximumSignificantDigits: digits });
  const [mantissa, exponent] = size.toExponential(Math.max(0, digits - 2)).split("e");
  const power = `10${[...String(Number(exponent))].map((sign) => RAISED[sign]).join("")}`;
  const written = Number(mantissa) === 1 ? power : `${formatNumber(Number(mantissa))}·${power}`;
  return value < 0 ? `−${written}` : written;
}

/**
 * A share as a percentage.
 * @param {number} share 0 to 1
 * @returns {string}
 */
export function percent(share) {
  return formatNumber(share, { style: "percent", maximumFractionDigits: 0 });
}
