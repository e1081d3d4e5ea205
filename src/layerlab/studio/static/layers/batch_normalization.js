/** Batch normalisation, step by step over a small batch: Algorithm 1. */

import { h, replace } from "../dom.js";
import { formatNumber, message, onLanguage, t, text } from "../locale.js";
import { Refused, asker, worded } from "./api.js";
import { resized, slider } from "./controls.js";
import { editable, output } from "./matrix.js";

const BATCH = [[1, 20], [2, 60], [3, 40], [6, 80]];

export function build() {
  const ask = asker("batch-normalization");
  const resize = () => {
    batch.set(resized(batch.values(), examples.value(), features.value(), (r, c) => (r + 1) * (c + 1)));
    gamma.set(resized(gamma.values(), 1, features.value(), () => 1));
    beta.set(resized(beta.values(), 1, features.value(), () => 0));
    point = [0, 0];
    void update();
  };
  const batch = editable({ label: "layers.batch-normalization.batch", values: BATCH, onchange: () => void update() });
  const gamma = editable({ label: "layers.batch-normalization.gamma", values: [[1, 2]], onchange: () => void update() });
  const beta = editable({ label: "layers.batch-normalization.beta", values: [[0, 1]], onchange: () => void update() });
  const examples = slider({ label: "layers.batch-normalization.examples", min: 2, max: 8, value: 4, onchange: resize });
  const features = slider({ label: "layers.batch-normalization.features", min: 1, max: 4, value: 2, onchange: resize });
  const epsilon = slider({ label: "layers.batch-normalization.epsilon", min: -8, max: 0, value: -5, shown: (power) => formatNumber(10 ** power), onchange: () => void update() });
  const show = (/** @type {string} */ label) =>
    output({ label, onpoint: (r, c) => light(r, c), onleave: () => {} });
  const mean = show("layers.batch-normalization.mean");
  const variance = show("layers.batch-normalization.variance");
  const normalized = show("layers.batch-normalization.normalized");
  const result = show("layers.batch-normalization.output");
  const slide = show("layers.batch-normalization.slide");
  const status = h("p", { class: "problem", role: "status", hidden: true });
  const steps = h("ol", { class: "steps", "aria-label": message("layers.batch-normalization.steps") });
  /** @type {any} */
  let answer = null;
  /** @type {[number, number]} */
  let point = [0, 0];

  async function update() {
    if (![batch, gamma, beta].every((input) => input.valid())) return;
    try {
      answer = await ask({ batch: batch.values(), gamma: gamma.values()[0], beta: beta.values()[0], epsilon: 10 ** epsilon.value() });
      status.hidden = true;
      mean.show([answer.mean]);
      variance.show([answer.variance]);
      normalized.show(answer.normalized);
      result.show(answer.output);
      slide.show(answer.slide);
      light(...point);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      status.hidden = false;
      status.textContent = worded(error.problem);
    }
  }

  /** @param {number} row @param {number} column */
  function light(row, column) {
    if (!answer || column >= answer.mean.length || row >= answer.output.length) return;
    point = [row, column];
    for (const cell of root.querySelectorAll(".source, .pointed")) cell.classList.remove("source", "pointed");
    const values = batch.values().map((line) => line[column]);
    values.forEach((_, r) => batch.cell(r, column)?.classList.add("source"));
    for (const [grid, r] of /** @type {const} */ ([[mean, 0], [variance, 0], [normalized, row], [result, row], [slide, row]])) {
      grid.cell(r, column)?.classList.add("pointed");
    }
    const m = values.length;
    const [mu, v, hat, y] = [answer.mean[column], answer.variance[column], answer.normalized[row][column], answer.output[row][column]];
    const n = formatNumber;
    const paren = (/** @type {number} */ value) => (value < 0 ? `(${n(value)})` : n(value));
    replace(
      steps,
      h("li", null, `μ = (${values.map(paren).join(" + ")}) / ${m} = ${n(mu)}`),
      h("li", null, `σ² = (${values.map((value) => `(${n(value)} − ${paren(mu)})²`).join(" + ")}) / ${m} = ${n(v)}`),
      h("li", null, `x̂ = (${n(values[row])} − ${paren(mu)}) / √(${n(v)} + ${n(10 ** epsilon.value())}) = ${n(hat)}`),
      h("li", null, `y = γ·x̂ + β = ${paren(gamma.values()[0][column])}·${paren(hat)} + ${paren(beta.values()[0][column])} = ${n(y)}`),
    );
    note.textContent = t("layers.batch-normalization.note", { right: y, slide: answer.slide[row][column] });
  }

  const note = h("p", { class: "note" });
  const forget = onLanguage(() => light(...point));
  const root = h(
    "div",
    { class: "layer-body" },
    h("div", { class: "controls" }, examples.root, features.root, epsilon.root),
    status,
    h("div", { class: "flow" }, batch.root, h("div", { class: "stack" }, mean.root, variance.root), normalized.root, h("div", { class: "stack" }, gamma.root, beta.root), result.root),
    steps,
    h("details", { class: "slide" }, h("summary", null, text("layers.batch-normalization.slide-title")), slide.root, note),
  );
  void update();
  return { root, stop: forget };
}
