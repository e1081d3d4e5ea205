/** The nodes of the network as buttons: they lie, see-through, over the picture of their maps. */

import { h } from "../dom.js";
import { formatNumber, message, t } from "../locale.js";
import { store } from "../store.js";
import { FEATURES, FEATURE_SYMBOLS } from "./choices.js";
import { toggleFeature } from "./edits.js";
import { openEditor } from "./editor.js";
import { unitName } from "./names.js";
import { biasSide } from "./network_picture.js";
import { change, select } from "./session.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./layout.js").Node} Node */
/** @typedef {import("../store.js").State} State */

/**
 * @param {Node} node
 * @returns {Record<string, string>}
 */
function place(node) {
  return {
    left: `${node.x - node.size / 2}px`,
    top: `${node.y - node.size / 2}px`,
    width: `${node.size}px`,
    height: `${node.size}px`,
  };
}

/**
 * The features: on and off by a click, the map of those that are inputs by the pointer.
 * @param {Layout} layout
 * @returns {HTMLElement[]}
 */
export function featureNodes(layout) {
  return FEATURES.map((name) => {
    const node = /** @type {Node} */ (layout.features.get(name));
    const button = h("button", {
      type: "button",
      class: "node feature",
      style: place(node),
      "aria-pressed": String(node.unit >= 0),
      "aria-label": message("playground.feature.label", { name: FEATURE_SYMBOLS[name] }),
      onclick: () => change((wanted) => toggleFeature(wanted, name)),
    });
    if (node.unit >= 0) showOnHover(button, node);
    const style = { top: `${node.y}px` };
    const label = h("span", { class: "feature-label", "aria-hidden": "true", style }, FEATURE_SYMBOLS[name]);
    label.classList.toggle("off", node.unit < 0);
    return h("div", { class: "node-holder", dataset: { node: name } }, button, label);
  });
}

/**
 * The units of all layers: their map by the pointer, their weights by a click.
 * @param {Layout} layout
 * @param {State} state
 * @returns {HTMLElement[]}
 */
export function unitNodes(layout, state) {
  return layout.layers.flat().map((node) => {
    const sources = Array.from({ length: state.network.layers[node.layer].inputs }, (_, i) => i);
    const button = h("button", {
      type: "button",
      class: "node unit",
      style: place(node),
      "aria-haspopup": "dialog",
      "aria-label": message("playground.unit.label", () => ({ name: unitName(state, node.layer, node.unit) })),
      onclick: () => openEditor({ anchor: button, layer: node.layer, unit: node.unit, sources: [-1, ...sources] }),
    });
    showOnHover(button, node);
    return h(
      "div",
      { class: "node-holder", dataset: { node: `${node.layer}.${node.unit}` } },
      button,
      biasButton(node, state),
    );
  });
}

/**
 * @param {Node} node
 * @param {State} state
 */
function biasButton(node, state) {
  if (node.size < 18) return null;
  const side = biasSide(node);
  const style = {
    left: `${node.x - node.size / 2 - side - 5}px`,
    top: `${node.y + node.size / 2 - side - 4}px`,
    width: `${side + 8}px`,
    height: `${side + 8}px`,
  };
  const values = () => ({ name: unitName(state, node.layer, node.unit), value: biasText(node, state) });
  const title = message("playground.bias.label", values);
  const button = h("button", { type: "button", class: "bias", style, tabindex: "-1", "aria-label": title });
  button.addEventListener("pointerenter", () => button.setAttribute("title", t(title.key, title.values)));
  button.addEventListener("click", () =>
    openEditor({ anchor: button, layer: node.layer, unit: node.unit, sources: [-1] }),
  );
  return button;
}

/**
 * @param {Node} node
 * @param {State} state
 */
function biasText(node, state) {
  const shapes = state.network.layers;
  const before = shapes.slice(0, node.layer).reduce((sum, shape) => sum + shape.units * shape.pieces, 0);
  const { pieces } = shapes[node.layer];
  const values = store.frame?.arrays.biases.slice(before + node.unit * pieces, before + (node.unit + 1) * pieces) ?? [];
  return Array.from(values, (value) => formatNumber(value)).join("; ");
}

/**
 * @param {HTMLElement} button
 * @param {Node} node
 */
function showOnHover(button, node) {
  const show = () => select([node.layer, node.unit]);
  const leave = () => select(null);
  button.addEventListener("pointerenter", show);
  button.addEventListener("pointerleave", leave);
  button.addEventListener("focus", show);
  button.addEventListener("blur", leave);
}

/**
 * Mark the node whose map is shown large.
 * @param {HTMLElement} overlay
 */
export function markSelection(overlay) {
  for (const node of overlay.querySelectorAll(".node.selected")) node.classList.remove("selected");
  const chosen = store.selection;
  if (!chosen || !store.state) return;
  const name = chosen[0] < 0 ? store.state.network.features[chosen[1]] : chosen.join(".");
  overlay.querySelector(`[data-node="${CSS.escape(name)}"] .node`)?.classList.add("selected");
}
