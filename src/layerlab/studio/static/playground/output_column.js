/** The right column: losses and their curves, the large map, how well it does. */

import { labelColour } from "../colours.js";
import { h, replace } from "../dom.js";
import { formatNumber, message, onLanguage, t, text } from "../locale.js";
import { store } from "../store.js";
import { mountBigMap, mountLegend } from "./big_map.js";
import { isOn } from "./link.js";
import { mountLosses } from "./loss_chart.js";
import { display } from "./session.js";

/** @param {HTMLElement} root */
export function mountOutputColumn(root) {
  const losses = h("div", { class: "losses" });
  const map = h("div", { class: "big-map" });
  const legend = h("div", { class: "legend", "aria-label": message("playground.legend") });
  replace(
    root,
    h("h2", null, text("playground.output")),
    losses,
    scoreLine(),
    map,
    legend,
    h(
      "div",
      { class: "checks" },
      displayCheck("showTestData", "playground.showTestData"),
      displayCheck("discretize", "playground.discretize"),
    ),
    confusionMatrix(),
  );
  mountLosses(losses);
  mountBigMap(map);
  mountLegend(legend);
}

/**
 * @param {string} key
 * @param {string} label
 */
function displayCheck(key, label) {
  const input = h("input", { type: "checkbox" });
  const show = () => (input.checked = isOn(store.display, key));
  store.subscribe((what) => what === "display" && show());
  show();
  input.addEventListener("change", () => display({ [key]: input.checked ? "true" : "false" }));
  return h("label", { class: "check", dataset: { control: key } }, input, h("span", null, text(label)));
}

/** Accuracy, or R² for regression, on both parts of the data. */
function scoreLine() {
  const line = h("p", { class: "score small" });
  const show = () => {
    const metrics = store.frame?.metrics;
    line.hidden = !metrics;
    if (!metrics) return;
    const name = metrics.labels === null ? "r2" : "accuracy";
    const style = /** @type {Intl.NumberFormatOptions} */ (
      name === "r2"
        ? { minimumFractionDigits: 3, maximumFractionDigits: 3 }
        : { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }
    );
    const word = (/** @type {any} */ part) =>
      typeof part?.[name] === "number" ? formatNumber(part[name], style) : "–";
    line.textContent = t(`playground.score.${name}`, { train: word(metrics.train), test: word(metrics.test) });
  };
  store.subscribe((what) => what === "frame" && show());
  onLanguage(show);
  return line;
}

/** The confusion matrices, to unfold. */
function confusionMatrix() {
  const tables = h("div", { class: "confusion" });
  const element = h("details", { class: "scores small" }, h("summary", null, text("playground.confusion")), tables);
  const show = () => {
    const metrics = store.frame?.metrics;
    element.hidden = !metrics || metrics.labels === null;
    if (!element.hidden && element.open) replace(tables, confusion(metrics, "train"), confusion(metrics, "test"));
  };
  element.addEventListener("toggle", show);
  store.subscribe((what) => what === "frame" && show());
  onLanguage(show);
  return element;
}

/**
 * @param {{ labels: number[] } & Record<string, any>} metrics
 * @param {"train" | "test"} part
 */
function confusion(metrics, part) {
  /** @type {number[][] | null} */
  const counts = metrics[part].confusion;
  if (!counts) return null;
  const classes = metrics.labels.length;
  const head = metrics.labels.map((label) => h("th", { scope: "col" }, swatch(label, classes), formatNumber(label)));
  const rows = counts.map((row, i) => {
    const total = Math.max(
      1,
      row.reduce((sum, count) => sum + count, 0),
    );
    const cells = row.map((count, j) =>
      h(
        "td",
        {
          class: i === j ? "right" : count > 0 ? "wrong" : "",
          style: { "--share": `${Math.round((100 * count) / total)}%` },
        },
        formatNumber(count),
      ),
    );
    return h(
      "tr",
      null,
      h("th", { scope: "row" }, swatch(metrics.labels[i], classes), formatNumber(metrics.labels[i])),
      cells,
    );
  });
  return h(
    "table",
    null,
    h("caption", null, t(`playground.confusion.${part}`)),
    h("thead", null, h("tr", null, h("td"), head)),
    h("tbody", null, rows),
  );
}

/**
 * @param {number} label
 * @param {number} classes
 */
function swatch(label, classes) {
  return h("span", { class: "swatch", style: { background: labelColour(label, classes) } });
}
