/** Times as people say them. */

import { formatNumber, t } from "../locale.js";

/**
 * @param {number} seconds
 * @returns {string} rounded: 3 s, 25 s, 4 min, 2 h
 */
export function duration(seconds) {
  if (seconds < 10) return t("lab.time.seconds", { count: formatNumber(Math.max(1, Math.round(seconds))) });
  if (seconds < 90) return t("lab.time.seconds", { count: formatNumber(Math.round(seconds / 5) * 5) });
  if (seconds < 5400) return t("lab.time.minutes", { count: formatNumber(Math.round(seconds / 60)) });
  return t("lab.time.hours", { count: formatNumber(Math.round(seconds / 360) / 10) });
}
