/** The chain rule of one link, written out with its numbers, and the forward pass of its unit. */

import { h } from "../../dom.js";
import { t, text } from "../../locale.js";
import { sourceName, unitName } from "../names.js";
import { brief } from "./numbers.js";
import { pieceAt } from "./trace.js";

/** @typedef {import("./trace.js").Trace} Trace */
/** @typedef {import("./trace.js").Place} Place */
/** @typedef {import("./trace.js").TracePiece} TracePiece */
/** @typedef {import("../../store.js").State} State */

const MOST_TERMS = 8;

/**
 * Everything about one link as paragraphs.
 * @param {State} state
 * @param {Trace} trace
 * @param {Place} place
 * @returns {HTMLElement[]}
 */
export function chainOf(state, trace, place) {
  const piece = pieceAt(trace, place);
  const link = place.source < 0 ? null : piece.links[place.source];
  const symbol = link ? "∂L/∂w" : "∂L/∂b";
  const factors = link ? link.factors : piece.factors;
  const gradient = link ? link.gradient : piece.bias_gradient;
  const from = sourceName(state, place.layer, place.source);
  const to = unitName(state, place.layer, place.unit);
  const title = t(link ? "panels.inside.link" : "panels.inside.bias", { from, to });
  return [
    h("h3", null, trace.layers[place.layer].units[place.unit].pieces.length > 1 ? `${title} · ${t("panels.inside.piece", { number: place.piece + 1 })}` : title),
    h("h4", null, text("panels.inside.forward")),
    formula(forward(trace, place, piece)),
    h("h4", null, text("panels.inside.backward")),
    h(
      "div",
      { class: "factors" },
      factor(symbol, gradient, true),
      h("span", { class: "sign" }, "="),
      factors.flatMap(([name, value], i) => [i > 0 && h("span", { class: "sign" }, "·"), factor(name === "dead" ? t("panels.inside.dead") : name, value, false)]),
    ),
    ...arrival(trace, place),
    ...step(state, link ? link.weight : piece.bias, gradient, link?.dead ?? false),
  ];
}

/**
 * @param {string} symbol
 * @param {number} value
 * @param {boolean} result
 */
function factor(symbol, value, result) {
  return h("span", { class: `factor${result ? " result" : ""}` }, h("span", { class: "symbol" }, symbol), h("span", { class: "value" }, brief(value)));
}

/** @param {string} written */
function formula(written) {
  return h("p", { class: "formula" }, written);
}

/**
 * @param {Trace} trace
 * @param {Place} place
 * @param {TracePiece} piece
 */
function forward(trace, place, piece) {
  const layer = trace.layers[place.layer];
  const unit = layer.units[place.unit];
  const terms = piece.links.map(({ weight, input }) => `${inBrackets(weight)}·${inBrackets(input)}`);
  const sum = layer.normalized ? "s" : "z";
  const parts = [`${sum} = b + Σ w·x = ${[brief(piece.bias), ...shortened(terms)].join(" + ")} = ${brief(piece.sum)}`];
  if (piece.normalized !== null) parts.push(`z = γ·(s − μ)/√(σ² + ε) + β = ${brief(piece.normalized)}`);
  const name = t(`panels.activation.${layer.activation}`);
  if (unit.winner !== null) parts.push(`a = max(z₁, z₂) = ${brief(unit.output)} (${t("panels.inside.piece", { number: unit.winner + 1 })})`);
  else parts.push(`a = ${name}(z) = ${brief(unit.output)}`);
  if (layer.skip === "add") parts.push(`a + x = ${brief(unit.carried)}`);
  return parts.join(";  ");
}

/**
 * Where ∂L/∂a came from: the links that lead on from this unit.
 * @param {Trace} trace
 * @param {Place} place
 * @returns {HTMLElement[]}
 */
function arrival(trace, place) {
  const unit = trace.layers[place.layer].units[place.unit];
  const next = trace.layers[place.layer + 1];
  if (!next || unit.output_gradient === null) {
    return [h("p", { class: "muted" }, text("panels.inside.output", () => ({ loss: brief(trace.loss), label: brief(trace.label) })))];
  }
  const terms = next.units.flatMap(({ pieces }) =>
    pieces.map(({ links, sum_gradient }) => `${inBrackets(links[place.unit].weight)}·${inBrackets(sum_gradient)}`),
  );
  const skipped = unit.skip_gradient === 0 ? [] : [`${inBrackets(unit.skip_gradient)} (${t("panels.inside.skip")})`];
  const sum = next.normalized ? "s" : "z";
  return [
    h("p", { class: "muted" }, text("panels.inside.arrival")),
    formula(`∂L/∂a = Σ w·∂L/∂${sum} = ${[...shortened(terms), ...skipped].join(" + ")} = ${brief(unit.output_gradient)}`),
  ];
}

/**
 * What plain gradient descent would do with this point alone.
 * @param {State} state
 * @param {number} weight
 * @param {number} gradient
 * @param {boolean} dead
 * @returns {HTMLElement[]}
 */
function step({ specification }, weight, gradient, dead) {
  const { optimizer, learning_rate, schedule } = specification;
  if (optimizer !== "sgd" || schedule !== "constant" || dead) return [];
  return [
    h("p", { class: "muted" }, text("panels.inside.step")),
    formula(`${brief(weight, 6)} − ${brief(learning_rate)}·${inBrackets(gradient)} = ${brief(weight - learning_rate * gradient, 6)}`),
  ];
}

/** @param {string[]} terms */
function shortened(terms) {
  return terms.length > MOST_TERMS ? [...terms.slice(0, MOST_TERMS - 2), "…", terms[terms.length - 1]] : terms;
}

/** @param {number} value */
function inBrackets(value) {
  return value < 0 ? `(${brief(value)})` : brief(value);
}
