/** What a chart says at the pointer: the nearest point of its lines, with its numbers. */

import { svg } from "../../dom.js";
import { brief } from "./numbers.js";

/** @typedef {import("./chart.js").Line} Line */
/** @typedef {import("./scale.js").Scale} Scale */
/** @typedef {{ x: number, y: number, across: number, down: number, title: string }} Nearest */

const REACH = 40;
const ROOM = 170;

/**
 * The point nearest to a place, of all lines.
 * @param {Line[]} lines
 * @param {Scale} xAxis
 * @param {Scale} yAxis
 * @param {number} across in pixels
 * @param {number} down
 * @returns {Nearest | null} null: none is near
 */
export function nearestPoint(lines, xAxis, yAxis, across, down) {
  /** @type {Nearest | null} */
  let found = null;
  let least = REACH * REACH;
  for (const { x, y, title = "" } of lines) {
    for (let i = 0; i < x.length; i += 1) {
      const [left, top] = [xAxis.at(x[i]), yAxis.at(y[i])];
      const distance = (left - across) ** 2 + (top - down) ** 2;
      if (distance > least || Number.isNaN(distance)) continue;
      least = distance;
      found = { x: x[i], y: y[i], across: left, down: top, title };
    }
  }
  return found;
}

/**
 * The mark of a point and its numbers, on that side where there is room.
 * @param {Nearest} point
 * @param {number} width of the chart
 * @param {string} xTitle
 * @param {string} yTitle
 * @returns {SVGGElement}
 */
export function readout({ x, y, across, down, title }, width, xTitle, yTitle) {
  const end = across > width - ROOM;
  const place = { x: across + (end ? -10 : 10), "text-anchor": end ? "end" : "start" };
  const up = down < 50 ? 42 : 0;
  return svg(
    "g",
    { class: "chart-readout" },
    svg("circle", { cx: across, cy: down, r: 4.5 }),
    svg("text", { ...place, y: down - 24 + up }, title),
    svg("text", { ...place, y: down - 8 + up }, `${xTitle} ${brief(x, 6)} · ${yTitle} ${brief(y)}`),
  );
}
