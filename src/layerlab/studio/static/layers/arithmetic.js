/** The arithmetic of one output cell, written out. */

import { h } from "../dom.js";
import { formatNumber, t } from "../locale.js";

/** @typedef {import("./api.js").Cell} Cell */

/**
 * Write a cell's arithmetic, as `max(29, 15, 0, 100) = 100`.
 * @param {Cell} cell
 * @param {number} value
 * @returns {Node[]}
 */
export function arithmetic(cell, value) {
  const result = h("strong", null, formatNumber(value));
  const { operation, terms } = cell;
  if (operation === "copy") {
    const [, row, column] = terms[0].source;
    return [document.createTextNode(`${t("layers.cell", { row: row + 1, column: column + 1 })}: `), result];
  }
  if (operation === "max") {
    const parts = terms.flatMap((term, i) => [
      ...(i ? [document.createTextNode(", ")] : []),
      term.value === value ? h("mark", null, formatNumber(term.value)) : document.createTextNode(formatNumber(term.value)),
    ]);
    return [document.createTextNode(`${t("layers.max")}(`), ...parts, document.createTextNode(") = "), result];
  }
  const factors = terms.map((term) =>
    h(
      "span",
      { class: "term" },
      term.weight === null
        ? signed(term.value)
        : [h("span", { class: "value" }, signed(term.value)), "·", h("span", { class: "weight" }, signed(term.weight))],
    ),
  );
  const sum = factors.flatMap((factor, i) => (i ? [document.createTextNode(" + "), factor] : [factor]));
  if (operation === "mean") {
    return [document.createTextNode("("), ...sum, document.createTextNode(`) / ${terms.length} = `), result];
  }
  const hasWeights = terms.some((term) => term.weight !== null);
  const bias = hasWeights && cell.bias ? [document.createTextNode(" + "), h("span", { class: "bias-term" }, signed(cell.bias))] : [];
  if (!terms.length) return [...(bias.length ? bias.slice(1) : [document.createTextNode("0")]), document.createTextNode(" = "), result];
  return [...sum, ...bias, document.createTextNode(" = "), result];
}

/** @param {number} value a number that may stand after a plus sign */
function signed(value) {
  const written = formatNumber(value);
  return value < 0 ? `(${written})` : written;
}
