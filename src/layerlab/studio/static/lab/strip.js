/** The picture of the runs: every arm a row, every run a point, its mean and 95 % interval moving as runs arrive. */

import { h, replace, svg } from "../dom.js";
import { number } from "../learn/words.js";
import { formatNumber, t } from "../locale.js";
import { range, scale } from "../playground/panels/scale.js";
import { said } from "./api.js";

/** @typedef {import("./api.js").Metric} Metric */
/** @typedef {import("./api.js").Panel} Panel */
/** @typedef {import("./api.js").Row} Row */
/** @typedef {import("./api.js").Run} Run */
/** @typedef {import("../playground/panels/scale.js").Scale} Scale */
/** @typedef {{ panel: Panel, metric: number, task: number }} View task -1: all */
/** @typedef {{ scale: Scale, left: number, right: number, top: number, row: number, above: number, never: number }} Frame */

const FIELDS = 4; // of a run, before its figures
const BOTTOM = 46;
const NARROW = 560;
const NEVER = 44;
const FRESH = "lab-fresh";

/**
 * @param {{ onopen: (key: string) => void }} options told the key of the run that was chosen
 * @returns {{ root: HTMLElement, show: (view: View) => void }}
 */
export function strip({ onopen }) {
  const root = h("div", { class: "lab-strip" });
  /** @type {View | null} */
  let view = null;
  /** @type {Set<string>} */
  let seen = new Set();
  let focused = "";
  let width = 0;

  function draw() {
    if (!view || width === 0) return;
    const held = root.contains(document.activeElement);
    const before = seen;
    const { element, keys } = picture(view, width, before);
    seen = keys;
    replace(root, element);
    const points = [...element.querySelectorAll("[data-key]")];
    const at = points.find((point) => point.getAttribute("data-key") === focused) ?? points[0];
    at?.setAttribute("tabindex", "0");
    if (held && at instanceof SVGElement) at.focus({ preventScroll: true });
  }

  root.addEventListener("click", (event) => {
    const key = keyOf(event.target);
    if (key) onopen(key);
  });
  root.addEventListener("keydown", (event) => {
    const key = keyOf(event.target);
    if (!key) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return onopen(key);
    }
    const next = neighbour(root, /** @type {SVGElement} */ (event.target), event.key);
    if (!next) return;
    event.preventDefault();
    focused = next.getAttribute("data-key") ?? "";
    for (const point of root.querySelectorAll("[data-key][tabindex='0']")) point.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (now === width || now === 0) return;
    width = now;
    draw();
  }).observe(root);

  return {
    root,
    show(next) {
      if (view?.panel.name !== next.panel.name || view.task !== next.task) seen = new Set();
      view = next;
      draw();
    },
  };
}

/** @param {EventTarget | null} target @returns {string} */
function keyOf(target) {
  return target instanceof SVGElement ? (target.getAttribute("data-key") ?? "") : "";
}

/** The run beside another, by arrow keys. @param {HTMLElement} root @param {SVGElement} point @param {string} key @returns {SVGElement | null} */
function neighbour(root, point, key) {
  const rows = [...root.querySelectorAll("g[data-arm]")].map((row) => /** @type {SVGElement[]} */ ([...row.querySelectorAll("[data-key]")])).filter((row) => row.length);
  const y = rows.findIndex((row) => row.includes(point));
  const x = rows[y]?.indexOf(point) ?? 0;
  if (key === "ArrowRight") return rows[y][x + 1] ?? null;
  if (key === "ArrowLeft") return rows[y][x - 1] ?? null;
  const other = key === "ArrowDown" ? rows[y + 1] : key === "ArrowUp" ? rows[y - 1] : undefined;
  return other ? other[Math.min(x, other.length - 1)] : null;
}

/**
 * @param {View} view
 * @param {number} width in pixels
 * @param {Set<string>} before runs that were there already
 */
function picture(view, width, before) {
  const { panel, task } = view;
  const metric = panel.metrics[view.metric];
  const shown = (/** @type {Row} */ row) => row.points.filter((run) => task < 0 || run[0] === task);
  const figures = panel.arms.flatMap((row) => shown(row).map((run) => figure(run, view.metric)));
  const known = /** @type {number[]} */ (figures.filter((value) => value !== null));
  const ends = panel.arms.flatMap((row) => interval(row, view)).filter((value) => value !== null);
  const frame = framed([...known, .../** @type {number[]} */ (ends)], metric, panel, width, figures.includes(null));
  const height = frame.top + panel.arms.length * frame.row + BOTTOM;
  const name = `${said(panel.title)} ${said(metric.label)}`.trim();
  const element = svg("svg", { class: "lab-chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": t("lab.strip", { name }) });
  element.append(...axis(frame, metric, height, width));
  /** @type {Set<string>} */
  const keys = new Set();
  panel.arms.forEach((row, i) => {
    const y = frame.top + i * frame.row + frame.above + (frame.row - frame.above) / 2;
    const points = shown(row).map((run) => {
      const key = String(run[2]);
      keys.add(key);
      return dot(run, view, frame, y, said(row.label), before.size > 0 && !before.has(key));
    });
    element.append(svg("g", { "data-arm": row.name }, label(row, frame, y), band(row, view, frame, y), points, middle(row, view, frame, y)));
  });
  return { element, keys };
}

/** @param {Run} run @param {number} metric @returns {number | null} */
function figure(run, metric) {
  const value = run[FIELDS + metric];
  return typeof value === "number" ? value : null;
}

/** Mean, low and high of a row. @param {Row} row @param {View} view @returns {(number | null)[]} */
function interval(row, { panel, metric, task }) {
  const name = task < 0 || panel.tasks.length === 1 ? "" : panel.tasks[task].name;
  return row.means[name]?.[panel.metrics[metric].name] ?? [null, null, null];
}

/**
 * @param {number[]} values
 * @param {Metric} metric
 * @param {Panel} panel
 * @param {number} width
 * @param {boolean} never
 * @returns {Frame}
 */
function framed(values, metric, panel, width, never) {
  const narrow = width < NARROW;
  const longest = Math.max(0, ...panel.arms.map((row) => said(row.label).length));
  const left = narrow ? 12 : Math.min(width * 0.4, 24 + longest * 7.8);
  const log = metric.log && values.every((value) => value > 0);
  const [low, high] = range(values, log);
  const air = log ? 0 : (high - low) * 0.04;
  const right = width - 16 - (never ? NEVER : 0);
  return {
    scale: scale({ low: low - air, high: high + air, from: left, to: right, log, count: narrow ? 4 : 6 }),
    left, right, top: 6, row: narrow ? 56 : 42, above: narrow ? 20 : 0, never: never ? width - 16 - NEVER / 2 : 0,
  };
}

/** @param {Frame} frame @param {Metric} metric @param {number} height @param {number} width */
function axis(frame, metric, height, width) {
  const bottom = height - BOTTOM;
  const ticks = frame.scale.ticks.flatMap((tick) => {
    const x = frame.scale.at(tick);
    return [
      svg("line", { class: "lab-grid", x1: x, x2: x, y1: frame.top, y2: bottom }),
      svg("text", { class: "lab-number", x, y: bottom + 18, "text-anchor": "middle" }, amount(tick, metric)),
    ];
  });
  const never = frame.never ? [svg("text", { class: "lab-number", x: frame.never, y: bottom + 18, "text-anchor": "middle" }, t("lab.never"))] : [];
  return [
    ...ticks, ...never,
    svg("path", { class: "lab-axis", d: `M${frame.left} ${bottom} H${frame.right}` }),
    svg("text", { class: "lab-name", x: (frame.left + frame.right) / 2, y: height - 6, "text-anchor": "middle" }, `${said(metric.label)}${metric.unit === "seconds" ? " [s]" : ""}${metric.log ? ` (${t("lab.log")})` : ""}`),
  ];
}

/** @param {Row} row @param {Frame} frame @param {number} y */
function label(row, frame, y) {
  return frame.above
    ? svg("text", { class: "lab-label", x: frame.left, y: y - frame.row / 2 + frame.above / 2 - 1 }, said(row.label))
    : svg("text", { class: "lab-label", x: frame.left - 12, y: y + 5, "text-anchor": "end" }, said(row.label));
}

/** @param {Run} run @param {View} view @param {Frame} frame @param {number} y @param {string} arm @param {boolean} fresh */
function dot(run, { panel, metric }, frame, y, arm, fresh) {
  const [task, replicate, key, failed] = run;
  const value = figure(run, metric);
  const x = value === null ? frame.never : frame.scale.at(value);
  const shift = (((Number(replicate) * 7 + Number(task) * 3) % 11) - 5) * 1.5;
  const where = panel.tasks.length > 1 ? `, ${said(panel.tasks[Number(task)].label)}` : "";
  const shown = value === null ? t("lab.never") : amount(value, panel.metrics[metric]);
  const name = t(failed ? "lab.run.failed" : "lab.run.named", { arm: `${arm}${where}`, run: Number(replicate) + 1, value: shown });
  const classes = `lab-point${failed ? " lab-failed" : ""}${fresh ? ` ${FRESH}` : ""}`;
  return svg("circle", { class: classes, cx: x.toFixed(1), cy: (y + shift).toFixed(1), r: 5, role: "button", tabindex: -1, "data-key": String(key), "aria-label": name }, svg("title", null, name));
}

/** The interval of the mean, behind the runs. @param {Row} row @param {View} view @param {Frame} frame @param {number} y */
function band(row, view, frame, y) {
  const [, low, high] = interval(row, view);
  if (low === null || high === null) return null;
  const from = frame.scale.at(low);
  return svg("rect", { class: "lab-interval", x: from.toFixed(1), y: y - 14, width: Math.max(2, frame.scale.at(high) - from).toFixed(1), height: 28, rx: 4 });
}

/** @param {Row} row @param {View} view @param {Frame} frame @param {number} y */
function middle(row, view, frame, y) {
  const [mean] = interval(row, view);
  if (mean === null) return null;
  const x = frame.scale.at(mean).toFixed(1);
  return svg("line", { class: "lab-mean", x1: x, x2: x, y1: y - 16, y2: y + 16 });
}

/** @param {number} value @param {Metric} metric */
function amount(value, metric) {
  if (metric.unit === "share") return formatNumber(value, { style: "percent", maximumFractionDigits: 1 });
  return number(value);
}
