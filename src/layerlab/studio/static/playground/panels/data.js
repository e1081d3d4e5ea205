/** Own data: draw points, erase them, read them from a CSV, make them the data set, take the data away as a file. */

import * as colours from "../../colours.js";
import { h, replace } from "../../dom.js";
import { formatNumber, message, text } from "../../locale.js";
import { request } from "../session.js";
import { drawingBoard } from "./drawing_board.js";
import { DrawnPoints, MOST_POINTS } from "./drawn_points.js";
import { ask, button, choice, download, field } from "./parts.js";
import { csvReader } from "./csv_reader.js";

/** @typedef {import("./parts.js").Context} Context */
/** @typedef {import("./parts.js").Panel} Panel */

const CLASSES = ["2", "3", "4", "5", "6"];

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {Panel}
 */
export function mount(root, context) {
  const { store } = context;
  const points = new DrawnPoints();
  let label = 0;

  const kind = h(
    "select",
    null,
    CLASSES.map((count) => h("option", { value: count }, text("panels.data.classes", { count: Number(count) }))),
    h("option", { value: "regression" }, text("panels.data.regression")),
  );
  const tool = choice(message("panels.data.tool"), /** @type {const} */ (["draw", "erase"]), (name) => `panels.data.${name}`, "draw", () => {});
  const labels = h("div", { class: "label-choice" });
  const radius = h("input", { type: "range", min: 0, max: 1.5, step: 0.25, value: 0.5 });
  const status = h("p", { class: "muted", role: "status" });
  const regression = () => kind.value === "regression";
  const classes = () => (regression() ? 2 : Number(kind.value));
  const board = drawingBoard(points, {
    brush: () => ({ erases: tool.value() === "erase", label, classes: classes(), regression: regression(), radius: Number(radius.value) }),
    changed: count,
    full: () => context.notify(text("panels.data.full", { limit: MOST_POINTS })),
    moved: (x, y) => replace(status, text("panels.data.at", () => ({ x: formatNumber(x), y: formatNumber(y) }))),
    digit: (digit) => {
      if (!regression() && digit <= classes()) choose(digit - 1);
    },
  });
  const reader = csvReader(context, regression, adopt);
  const use = button("panels.data.use", () => void useThem(), "primary");

  replace(
    root,
    h("p", { class: "panel-lead" }, text("panels.data.lead")),
    h(
      "div",
      { class: "data-columns" },
      board.element,
      h(
        "div",
        { class: "panel-column" },
        h("div", { class: "panel-tools" }, field("panels.data.kind", kind), tool.element),
        labels,
        field("panels.data.brush", radius),
        h(
          "div",
          { class: "panel-tools" },
          use,
          button("panels.data.undo", () => edit(() => points.undo())),
          button("panels.data.clear", () => edit(() => points.take([], false))),
          button("panels.data.current", takePresent),
        ),
        status,
        h("p", { class: "muted small" }, text("panels.data.keys")),
      ),
      h("div", { class: "panel-column" }, reader.element, h("h3", null, text("panels.data.download-title")), h("p", { class: "muted small" }, text("panels.data.download-hint")), button("panels.data.download", () => void save())),
    ),
  );
  kind.addEventListener("change", () => {
    if (!regression()) points.limit(classes());
    label = regression() ? 1 : 0;
    drawLabels();
    board.redraw();
  });
  colours.onColours(drawLabels);
  reader.acceptDrops(root);
  drawLabels();
  count();

  /** @param {() => void} action */
  function edit(action) {
    action();
    count();
    board.redraw();
  }

  function count() {
    replace(status, text("panels.data.count", { count: points.points.length, limit: MOST_POINTS }));
    use.disabled = points.points.length === 0;
  }

  /** @param {number} next */
  function choose(next) {
    label = next;
    drawLabels();
  }

  function drawLabels() {
    if (regression()) {
      const value = h("output", null, formatNumber(label));
      const slider = h("input", { type: "range", min: -1, max: 1, step: 0.1, value: label });
      slider.addEventListener("input", () => {
        label = Number(slider.value);
        value.textContent = formatNumber(label);
      });
      replace(labels, field("panels.data.value", slider), value);
      return;
    }
    const buttons = Array.from({ length: classes() }, (_, i) => {
      const colour = colours.labelColour(classes() === 2 ? 2 * i - 1 : i, classes());
      return h(
        "button",
        { type: "button", class: "button", "aria-pressed": String(i === label), onclick: () => choose(i) },
        h("span", { class: "swatch", style: { background: colour }, "aria-hidden": "true" }),
        text("panels.data.class", () => ({ label: classes() === 2 ? formatNumber(2 * i - 1, { signDisplay: "always" }) : i })),
      );
    });
    const focused = labels.contains(document.activeElement);
    replace(labels, buttons);
    if (focused) buttons[label]?.focus();
  }

  async function useThem() {
    const rows = points.rows(classes() === 2 && !regression());
    const state = await request("points", { points: rows, classes: classes(), regression: regression() });
    if (state) context.notify(text("panels.data.used", { train: state.points.train, test: state.points.test }));
  }

  /** Draw on from the points of the data set that is in use. */
  function takePresent() {
    const { data, state } = store;
    if (!data || !state) return;
    /** @type {ArrayLike<number>[]} */
    const rows = [];
    for (const part of [data.arrays.train, data.arrays.test]) {
      for (let i = 0; i + 2 < part.length; i += 3) rows.push([tidy(part[i]), tidy(part[i + 1]), tidy(part[i + 2])]);
    }
    show(state, rows);
  }

  /** @param {import("../../store.js").State} state whose points came from a table */
  function adopt(state) {
    show(state, state.specification.points);
  }

  /**
   * @param {import("../../store.js").State} state
   * @param {ArrayLike<number>[]} rows
   */
  function show({ specification }, rows) {
    const isRegression = specification.problem === "regression";
    kind.value = isRegression ? "regression" : String(specification.classes);
    label = isRegression ? 1 : 0;
    points.take(rows, !isRegression && specification.classes === 2);
    drawLabels();
    count();
    board.redraw();
  }

  async function save() {
    const reply = await ask(context, "data");
    if (reply) download("points.csv", reply.csv, "text/csv");
  }

  return { shown: board.redraw };
}

/** @param {number} value as float32 widened it */
function tidy(value) {
  return Number(value.toPrecision(7));
}
