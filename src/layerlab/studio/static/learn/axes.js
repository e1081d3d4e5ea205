/** A chart's frame: its axes with numbers and names, in SVG. */

import { svg } from "../dom.js";
import { range, scale } from "../playground/panels/scale.js";
import { number } from "./words.js";

/** @typedef {import("../playground/panels/scale.js").Scale} Scale */
/** @typedef {{ values: (number | null)[], log: boolean, name: string }} Axis */

export const WIDTH = 560;
const RIGHT = 14;
const BOTTOM = 44;
const TOP = 8;
/** The most decades that a logarithmic axis shows before its numbers stand too close. */
const TICKS = 5;

/**
 * Return an empty chart with its scales.
 * @param {{ x: Axis, y: Axis | null, height: number, left: number, title: string }} options without `y` the chart has rows
 * @returns {{ element: SVGSVGElement, x: Scale, y: Scale | null, top: number, bottom: number }}
 */
export function frame({ x, y, height, left, title }) {
  const bottom = height - BOTTOM;
  const across = scaled(x, left, WIDTH - RIGHT);
  const up = y && scaled(y, bottom, TOP);
  const element = svg("svg", { class: "learn-chart", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": title });
  for (const tick of across.ticks) {
    const at = across.at(tick);
    element.append(
      svg("line", { class: "learn-grid", x1: at, x2: at, y1: TOP, y2: bottom }),
      svg("text", { class: "learn-number", x: at, y: bottom + 18, "text-anchor": "middle" }, number(tick)),
    );
  }
  for (const tick of up?.ticks ?? []) {
    const at = up?.at(tick) ?? 0;
    element.append(
      svg("line", { class: "learn-grid", x1: left, x2: WIDTH - RIGHT, y1: at, y2: at }),
      svg("text", { class: "learn-number", x: left - 7, y: at + 4, "text-anchor": "end" }, number(tick)),
    );
  }
  element.append(
    svg("path", { class: "learn-axis", d: `M${left} ${TOP} V${bottom} H${WIDTH - RIGHT}` }),
    svg("text", { class: "learn-name", x: (left + WIDTH - RIGHT) / 2, y: height - 6, "text-anchor": "middle" }, x.name),
  );
  if (y) element.append(svg("text", { class: "learn-name", transform: `translate(14 ${(TOP + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, y.name));
  return { element, x: across, y: up, top: TOP, bottom };
}

/**
 * @param {Axis} axis
 * @param {number} from
 * @param {number} to
 */
function scaled({ values, log }, from, to) {
  const known = /** @type {number[]} */ (values.filter((value) => value !== null));
  let [low, high] = range(known, log);
  // Ten to one at least: a logarithmic axis with a single number on it says nothing.
  if (log && high / low < 10) [low, high] = [low / Math.sqrt((10 * low) / high), high * Math.sqrt((10 * low) / high)];
  if (!log) low = Math.min(0, low);
  return scale({ low, high, from, to, log, count: TICKS });
}
