/** What units and sources are called. */

import { t } from "../locale.js";
import { FEATURE_SYMBOLS } from "./choices.js";

/** @typedef {import("../store.js").State} State */

/**
 * @param {State} state
 * @param {number} layer -1: the inputs
 * @param {number} unit
 * @returns {string}
 */
export function unitName(state, layer, unit) {
  const last = state.network.layers.length - 1;
  if (layer < 0) return FEATURE_SYMBOLS[state.network.features[unit]] ?? "";
  if (layer === last)
    return state.network.layers[last].units > 1
      ? t("playground.name.class", { index: unit })
      : t("playground.name.output");
  return t("playground.name.unit", { layer: layer + 1, unit: unit + 1 });
}

/**
 * The unit that a source of a layer is: behind a concatenating skip connection it may lie several layers back.
 * @param {State} state
 * @param {number} layer
 * @param {number} source -1: the bias
 * @returns {string}
 */
export function sourceName(state, layer, source) {
  if (source < 0) return t("playground.name.bias");
  if (layer === 0) return unitName(state, -1, source);
  const before = state.network.layers[layer - 1];
  if (source < before.units) return unitName(state, layer - 1, source);
  return sourceName(state, layer - 1, source - before.units);
}
