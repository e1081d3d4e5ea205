/** A line chart with numbers on its axes, linear or logarithmic. Its colours come from the style sheet. */

import { replace, svg } from "../../dom.js";
import { onLanguage, t } from "../../locale.js";
import { nearestPoint, readout } from "./chart_readout.js";
import { brief } from "./numbers.js";
import { range, scale } from "./scale.js";

/** @typedef {import("../../locale.js").Message} Message */
/** @typedef {import("./scale.js").Scale} Scale */
/**
 * @typedef {object} Line
 * @property {ArrayLike<number>} x
 * @property {ArrayLike<number>} y a number that is not finite breaks the line
 * @property {string} [class] how it looks
 * @property {string} [title] what it is, said at the pointer
 */
/** @typedef {{ x: ArrayLike<number>, low: ArrayLike<number>, high: ArrayLike<number> }} Band */
/**
 * @typedef {object} Picture
 * @property {Line[]} lines later ones lie on top
 * @property {Band} [band]
 * @property {boolean} [logX]
 * @property {boolean} [logY]
 * @property {number} [mark] an x that a dashed line marks
 */

const MARGIN = { left: 58, right: 16, top: 10, bottom: 44 };
const LEAST_WIDTH = 260;

/**
 * Make a chart; it redraws itself when its size or the language changes.
 * @param {{ label: Message, x: Message, y: Message, height?: number }} options
 * @returns {{ element: SVGSVGElement, draw: (picture: Picture) => void }}
 */
export function lineChart({ label, x, y, height = 300 }) {
  const element = svg("svg", { class: "chart", role: "img", "aria-label": label, height });
  /** @type {Picture} */
  let picture = { lines: [] };
  const note = svg("g", { "aria-hidden": "true" });
  /** @type {{ xAxis: Scale, yAxis: Scale }} */
  let drawn;
  const redraw = () => {
    drawn = paint(element, picture, t(x.key, x.values), t(y.key, y.values), height);
    replace(note);
    element.append(note);
  };
  element.addEventListener("pointermove", (event) => {
    const box = element.getBoundingClientRect();
    const point = nearestPoint(picture.lines, drawn.xAxis, drawn.yAxis, event.clientX - box.left, event.clientY - box.top);
    replace(note, point && readout(point, box.width, t(x.key, x.values), t(y.key, y.values)));
  });
  element.addEventListener("pointerleave", () => replace(note));
  redraw();
  new ResizeObserver(redraw).observe(element);
  onLanguage(redraw);
  return {
    element,
    draw: (next) => {
      picture = next;
      redraw();
    },
  };
}

/**
 * @param {SVGSVGElement} element
 * @param {Picture} picture
 * @param {string} xTitle
 * @param {string} yTitle
 * @param {number} height
 * @returns {{ xAxis: Scale, yAxis: Scale }}
 */
function paint(element, picture, xTitle, yTitle, height) {
  const width = Math.max(LEAST_WIDTH, element.clientWidth);
  element.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const { lines, band, logX = false, logY = false, mark } = picture;
  const [left, right] = range(everyX(lines), logX);
  const [low, high] = range(everyY(lines), logY);
  const xAxis = scale({ low: left, high: right, from: MARGIN.left, to: width - MARGIN.right, log: logX, count: Math.floor(width / 90) });
  const yAxis = scale({ low: logY ? low : Math.min(0, low), high, from: height - MARGIN.bottom, to: MARGIN.top, log: logY });
  replace(
    element,
    axes(xAxis, yAxis, width, height, xTitle, yTitle),
    band && svg("path", { class: "chart-band", d: bandPath(band, xAxis, yAxis) }),
    lines.map((line) => svg("path", { class: `chart-line ${line.class ?? ""}`, d: linePath(line, xAxis, yAxis) })),
    mark !== undefined &&
      svg("line", { class: "chart-mark", x1: xAxis.at(mark), x2: xAxis.at(mark), y1: MARGIN.top, y2: height - MARGIN.bottom }),
  );
  return { xAxis, yAxis };
}

/**
 * @param {Scale} xAxis
 * @param {Scale} yAxis
 * @param {number} width
 * @param {number} height
 * @param {string} xTitle
 * @param {string} yTitle
 */
function axes(xAxis, yAxis, width, height, xTitle, yTitle) {
  const bottom = height - MARGIN.bottom;
  const middle = (MARGIN.top + bottom) / 2;
  return svg(
    "g",
    { class: "chart-axes" },
    yAxis.ticks.flatMap((tick) => [
      svg("line", { class: "chart-grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: yAxis.at(tick), y2: yAxis.at(tick) }),
      svg("text", { x: MARGIN.left - 8, y: yAxis.at(tick), "text-anchor": "end", "dominant-baseline": "middle" }, brief(tick)),
    ]),
    xAxis.ticks.flatMap((tick) => [
      svg("line", { class: "chart-tick", x1: xAxis.at(tick), x2: xAxis.at(tick), y1: bottom, y2: bottom + 5 }),
      svg("text", { x: xAxis.at(tick), y: bottom + 18, "text-anchor": "middle" }, brief(tick)),
    ]),
    svg("line", { class: "chart-axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: bottom, y2: bottom }),
    svg("text", { class: "chart-title", x: (MARGIN.left + width - MARGIN.right) / 2, y: height - 6, "text-anchor": "middle" }, xTitle),
    svg("text", { class: "chart-title", transform: `translate(14 ${middle}) rotate(-90)`, "text-anchor": "middle" }, yTitle),
  );
}

/** @param {Line[]} lines */
function* everyX(lines) {
  for (const { x } of lines) yield* Array.from(x);
}

/** @param {Line[]} lines */
function* everyY(lines) {
  for (const { y } of lines) yield* Array.from(y);
}

/**
 * The line as a path; points that fall on the same half pixel are drawn once.
 * @param {Line} line
 * @param {Scale} xAxis
 * @param {Scale} yAxis
 */
function linePath({ x, y }, xAxis, yAxis) {
  let path = "";
  let last = -Infinity;
  let lifted = true;
  for (let i = 0; i < x.length; i += 1) {
    const [across, down] = [xAxis.at(x[i]), yAxis.at(y[i])];
    if (!Number.isFinite(across) || !Number.isFinite(down)) {
      lifted = true;
      continue;
    }
    if (!lifted && across - last < 0.5 && i < x.length - 1) continue;
    path += `${lifted ? "M" : "L"}${across.toFixed(1)} ${down.toFixed(1)}`;
    lifted = false;
    last = across;
  }
  return path;
}

/**
 * The area between two curves; where the upper one is infinite it is cut off at the top of the chart.
 * @param {Band} band
 * @param {Scale} xAxis
 * @param {Scale} yAxis
 */
function bandPath({ x, low, high }, xAxis, yAxis) {
  const upper = [];
  const lower = [];
  for (let i = 0; i < x.length; i += 1) {
    const across = xAxis.at(x[i]);
    if (!Number.isFinite(across) || !Number.isFinite(low[i])) continue;
    upper.push(`${across.toFixed(1)} ${yAxis.at(within(high[i], yAxis)).toFixed(1)}`);
    lower.unshift(`${across.toFixed(1)} ${yAxis.at(within(low[i], yAxis)).toFixed(1)}`);
  }
  return upper.length ? `M${[...upper, ...lower].join("L")}Z` : "";
}

/**
 * @param {number} value
 * @param {Scale} axis
 */
function within(value, axis) {
  return Math.min(axis.high, Math.max(axis.low, value));
}
