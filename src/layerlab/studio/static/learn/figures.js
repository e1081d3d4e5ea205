/** A lesson's figures, drawn from the numbers that came: curves, rows of dots, lines over size, coloured tables. */

import { h, svg } from "../dom.js";
import { formatNumber, t } from "../locale.js";
import { frame, WIDTH } from "./axes.js";
import { number, words } from "./words.js";

/** @typedef {import("./words.js").Value} Value */
/** @typedef {{ label: Value, low: number[], middle: number[], high: number[] }} Series */
/** @typedef {{ label: Value, values: (number | null)[], low: number | null, middle: number | null, high: number | null, missing: number }} Row */
/**
 * @typedef {{
 *   kind: "curves" | "strip" | "lines" | "grid", title: string, unit?: string, x?: number[], names?: Value[],
 *   series?: Series[], rows?: any[], columns?: Value[], values?: number[][]
 * }} Figure
 */

const ROW = 34;
const HEIGHT = 300;
const LEFT = 62;
/** Colours and dashes that the style sheet tells apart. */
const SERIES = 6;

/**
 * Draw a figure.
 * @param {Figure} figure
 * @param {number} target the loss that counts as solved
 * @returns {HTMLElement}
 */
export function draw(figure, target) {
  const title = t(figure.title, { target });
  const drawn = { curves, strip, lines, grid }[figure.kind](figure, title);
  return h("figure", { class: `learn-figure learn-${figure.kind}` }, h("figcaption", null, title), drawn);
}

/**
 * @param {Figure} figure
 * @param {string} title
 */
function curves({ x = [], series = [] }, title) {
  const chart = frame({
    x: { values: x, log: false, name: t("learn.axis.epoch") },
    y: { values: series.flatMap(({ low, high }) => [...low, ...high]), log: true, name: t("learn.axis.test-loss") },
    height: HEIGHT,
    left: LEFT,
    title: described(title),
  });
  series.forEach((one, i) => chart.element.append(...fan(one, x, chart, i)));
  return [chart.element, legend(series)];
}

/**
 * @param {Figure} figure
 * @param {string} title
 */
function lines({ x = [], series = [], names = [] }, title) {
  const chart = frame({
    x: { values: x, log: true, name: t("learn.axis.parameters") },
    y: { values: [0, ...series.flatMap(({ high }) => high)], log: false, name: t("learn.axis.loss") },
    height: HEIGHT,
    left: LEFT,
    title: described(title),
  });
  series.forEach((one, i) => {
    chart.element.append(...fan(one, x, chart, i));
    x.forEach((place, k) => {
      const label = `${words(names[k])}: ${number(one.middle[k])} (${number(one.low[k])} – ${number(one.high[k])})`;
      chart.element.append(
        svg("circle", { class: `learn-dot learn-series-${i}`, cx: chart.x.at(place), cy: chart.y?.at(one.middle[k]), r: 4.5 }, svg("title", null, label)),
      );
    });
  });
  return [chart.element, legend(series)];
}

/**
 * The band of the quartiles and the line of the medians.
 * @param {Series} series
 * @param {number[]} x
 * @param {ReturnType<typeof frame>} chart
 * @param {number} i
 */
function fan({ low, middle, high }, x, chart, i) {
  const point = (/** @type {number[]} */ values, /** @type {number} */ k) => `${chart.x.at(x[k]).toFixed(1)} ${(chart.y?.at(values[k]) ?? 0).toFixed(1)}`;
  const path = (/** @type {number[]} */ values) => x.map((_, k) => point(values, k));
  return [
    svg("path", { class: `learn-band learn-series-${i % SERIES}`, d: `M${[...path(low), ...path(high).reverse()].join("L")}Z` }),
    svg("path", { class: `learn-line learn-series-${i % SERIES}`, d: `M${path(middle).join("L")}` }),
  ];
}

/** @param {Series[]} series */
function legend(series) {
  const entry = (/** @type {Series} */ one, /** @type {number} */ i) =>
    h("li", null, svg("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" }, svg("path", { class: `learn-line learn-series-${i % SERIES}`, d: "M1 5 H27" })), words(one.label));
  return h("ul", { class: "learn-legend" }, series.map(entry));
}

/**
 * @param {Figure} figure
 * @param {string} title
 */
function strip({ rows = [], unit = "loss" }, title) {
  const all = rows.flatMap((/** @type {Row} */ row) => row.values);
  const name = t(unit === "loss" ? "learn.axis.test-loss" : `learn.axis.${unit}`);
  const longest = Math.max(...rows.map((/** @type {Row} */ row) => words(row.label).length));
  const left = Math.min(260, 24 + longest * 8.2);
  const chart = frame({ x: { values: all, log: unit !== "epochs", name }, y: null, height: 52 + rows.length * ROW, left, title: described(title) });
  rows.forEach((/** @type {Row} */ row, /** @type {number} */ i) => chart.element.append(...dots(row, i, chart, left)));
  return [chart.element];
}

/**
 * @param {Row} row
 * @param {number} i
 * @param {ReturnType<typeof frame>} chart
 * @param {number} left
 */
function dots(row, i, chart, left) {
  const y = chart.top + (i + 0.5) * ROW;
  const at = (/** @type {number} */ value) => chart.x.at(value);
  /** @type {SVGElement[]} */
  const parts = [svg("text", { class: "learn-label", x: left - 8, y: y + 5, "text-anchor": "end" }, words(row.label))];
  if (row.low !== null) {
    const end = row.high === null ? WIDTH - 14 : at(row.high);
    parts.push(svg("rect", { class: "learn-spread", x: Math.min(at(row.low), end - 2), y: y - 10, width: Math.max(2, end - at(row.low)), height: 20, rx: 4 }));
  }
  row.values.forEach((value, k) => {
    if (value !== null) parts.push(svg("circle", { class: "learn-seed", cx: at(value), cy: y + (((k * 7) % 11) - 5) * 1.3, r: 3.2 }, svg("title", null, number(value))));
  });
  if (row.middle !== null) parts.push(svg("line", { class: "learn-median", x1: at(row.middle), x2: at(row.middle), y1: y - 13, y2: y + 13 }));
  if (row.missing) parts.push(svg("text", { class: "learn-missing", x: WIDTH - 16, y: y + 5, "text-anchor": "end" }, t("learn.missing", { count: row.missing })));
  return parts;
}

/**
 * @param {Figure} figure
 * @param {string} title
 */
function grid({ rows = [], columns = [], values = [], unit = "loss" }, title) {
  const most = Math.max(...values.flat());
  const written = (/** @type {number} */ value) => (unit === "share" ? formatNumber(value, { style: "percent", maximumFractionDigits: 0 }) : number(value));
  const head = h("tr", null, h("th", { scope: "col" }, t("learn.axis.rate")), columns.map((column) => h("th", { scope: "col" }, words(column))));
  const line = (/** @type {Value} */ row, /** @type {number} */ i) =>
    h("tr", null, h("th", { scope: "row" }, words(row)), values[i].map((value) => h("td", { style: { "--share": `${Math.round((70 * value) / (most || 1))}%` } }, written(value))));
  return [h("table", { class: "learn-heat", "aria-label": title }, h("thead", null, head), h("tbody", null, rows.map(line)))];
}

/** @param {string} title */
function described(title) {
  return t("learn.figure.description", { title });
}
