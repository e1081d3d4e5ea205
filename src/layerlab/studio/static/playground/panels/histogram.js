/** Small pictures of distributions and of sizes on a logarithmic axis, with numbers on their axes. */

import { svg } from "../../dom.js";
import { brief, percent } from "./numbers.js";
import { scale } from "./scale.js";

/** @typedef {{ low: number, high: number, counts: number[] }} Histogram */

const WIDTH = 230;
const HEIGHT = 96;
const FLOOR = HEIGHT - 22;
/** About the width of a digit. */
const LETTER = 6.5;

/**
 * Draw a histogram.
 * @param {Histogram} histogram
 * @param {string} label what it is of, for those who do not see it
 * @param {string} look class of its bars
 * @returns {SVGSVGElement}
 */
export function histogramPicture({ low, high, counts }, label, look) {
  const digits = Math.round(Math.min(6, Math.max(3, 2 + Math.log10(Math.max(-low, high) / (high - low || 1)))));
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  const most = Math.max(1, ...counts);
  const axis = scale({ low, high, from: 8, to: WIDTH - 8, count: 3 });
  const wide = (WIDTH - 16) / counts.length;
  const path = counts
    .map((count, i) => {
      const tall = (count / most) * (FLOOR - 16);
      return count ? `M${(8 + i * wide + 0.5).toFixed(1)} ${FLOOR}v${(-Math.max(1, tall)).toFixed(1)}h${(wide - 1).toFixed(1)}V${FLOOR}Z` : "";
    })
    .join("");
  return svg(
    "svg",
    { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": label },
    low < 0 && high > 0 && svg("line", { class: "chart-grid", x1: axis.at(0), x2: axis.at(0), y1: 4, y2: FLOOR }),
    svg("path", { class: look, d: path }),
    svg("line", { class: "chart-axis", x1: 8, x2: WIDTH - 8, y1: FLOOR, y2: FLOOR }),
    apart(endTicks(axis.ticks, low, high).map((tick) => ({ x: axis.at(tick), written: brief(tick, digits) }))).map(({ x, written }) =>
      svg("text", { x, y: HEIGHT - 6, "text-anchor": anchor(x) }, written),
    ),
    svg("text", { x: WIDTH - 8, y: 12, "text-anchor": "end" }, percent(most / total)),
  );
}

/**
 * At most four numbers; where there is no round one within, the ends.
 * @param {number[]} ticks
 * @param {number} low
 * @param {number} high
 */
function endTicks(ticks, low, high) {
  if (ticks.length < 2) return [low, high];
  return ticks.length > 4 ? ticks.filter((_, i) => i % 2 === 0) : ticks;
}

/**
 * Those of the numbers that do not touch each other; 0 goes before its neighbours.
 * @param {{ x: number, written: string }[]} numbers from left to right
 */
function apart(numbers) {
  /** @type {{ x: number, written: string }[]} */
  const kept = [];
  for (const number of numbers) {
    const last = kept.at(-1);
    if (!last || leftOf(number) > leftOf(last) + last.written.length * LETTER + LETTER) kept.push(number);
    else if (number.written === "0") kept[kept.length - 1] = number;
  }
  return kept;
}

/** @param {{ x: number, written: string }} number */
function leftOf({ x, written }) {
  const share = { start: 0, middle: 0.5, end: 1 }[anchor(x)];
  return x - share * written.length * LETTER;
}

/**
 * @param {number} x
 * @returns {"start" | "middle" | "end"}
 */
function anchor(x) {
  return x < 24 ? "start" : x > WIDTH - 24 ? "end" : "middle";
}

/**
 * Draw sizes as bars on a logarithmic axis; a size of 0 has no bar.
 * @param {{ name: string, size: number, look: string }[]} rows
 * @param {string} label
 * @param {number} width
 * @returns {SVGSVGElement}
 */
export function sizeBars(rows, label, width) {
  const [line, left, right] = [26, 132, 76];
  const sizes = rows.map((row) => row.size).filter((size) => size > 0 && size < 1e300);
  const high = sizes.length ? 10 ** Math.ceil(Math.log10(Math.max(...sizes)) + 0.01) : 1;
  const low = Math.min(high / 1e3, sizes.length ? 10 ** Math.floor(Math.log10(Math.min(...sizes)) - 0.01) : 1e-3);
  const axis = scale({ low, high, from: left, to: width - right, log: true, count: Math.max(2, Math.floor((width - left - right) / 70)) });
  const foot = rows.length * line + 4;
  return svg(
    "svg",
    { class: "size-bars", viewBox: `0 0 ${width} ${foot + 24}`, height: foot + 24, role: "img", "aria-label": label },
    axis.ticks.flatMap((tick) => [
      svg("line", { class: "chart-grid", x1: axis.at(tick), x2: axis.at(tick), y1: 0, y2: foot }),
      svg("text", { x: axis.at(tick), y: foot + 18, "text-anchor": "middle" }, brief(tick)),
    ]),
    rows.flatMap(({ name, size, look }, i) => {
      const end = Math.min(width - right, Math.max(left, size > 0 ? axis.at(size) : left));
      return [
        svg("text", { x: left - 10, y: i * line + 18, "text-anchor": "end" }, name),
        svg("rect", { class: look, x: left, y: i * line + 6, width: end - left, height: line - 10, rx: 3 }),
        svg("text", { class: "value", x: end + 6, y: i * line + 18 }, size >= 1e300 ? "∞" : brief(size, 2)),
      ];
    }),
  );
}
