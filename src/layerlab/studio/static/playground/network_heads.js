/** Above the network: how many layers, and for each layer how many neurons and what is its own. */

import { h, replace } from "../dom.js";
import { message, onLanguage, t, text } from "../locale.js";
import { store } from "../store.js";
import { MAX_LAYERS, MAX_UNITS } from "./choices.js";
import { addLayer, removeLayer, resizeLayer } from "./edits.js";
import { openLayerMenu } from "./layer_menu.js";
import { change } from "./session.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("../store.js").State} State */

/** @returns {HTMLElement} how many hidden layers there are, one more, one fewer */
export function countOfLayers() {
  const number = h("strong");
  const parameters = h("span", { class: "muted small" });
  const fewer = roundButton("−", message("playground.layer.remove"), () => change(removeLayer));
  const more = roundButton("+", message("playground.layer.add"), () => change(addLayer));
  const show = () => {
    const count = store.state?.specification.hidden_layers.length ?? 0;
    number.textContent = t("playground.layers.count", { count });
    parameters.textContent = t("playground.parameters", { count: store.state?.parameters ?? 0 });
    fewer.disabled = count === 0;
    more.disabled = count >= MAX_LAYERS;
  };
  store.subscribe((what) => what === "state" && show());
  onLanguage(show);
  return h("div", { class: "layer-count", dataset: { control: "numHiddenLayers" } }, fewer, more, number, parameters);
}

/**
 * Put the heads of the columns above them.
 * @param {HTMLElement} heads
 * @param {Layout} layout
 * @param {State} state
 */
export function replaceHeads(heads, layout, state) {
  const last = state.network.layers.length - 1;
  const title = h(
    "div",
    { class: "head features-head", style: { left: "0px" } },
    h("strong", null, text("playground.features")),
  );
  const columns = state.network.layers.map((shape, layer) => {
    const style = { left: `${layout.columns[layer + 1]}px` };
    return layer === last
      ? h("div", { class: "head output-head", style }, h("strong", null, text("playground.output.short")))
      : h("div", { class: "head", style }, layerHead(state, layer, shape));
  });
  replace(heads, title, columns);
}

/**
 * @param {State} state
 * @param {number} layer
 * @param {import("../store.js").LayerShape} shape
 */
function layerHead(state, layer, shape) {
  const resize = (/** @type {number} */ by) => () => change((wanted) => resizeLayer(wanted, layer, by));
  const number = { layer: layer + 1 };
  const fewer = roundButton("−", message("playground.unit.remove", number), resize(-1), "tiny");
  const more = roundButton("+", message("playground.unit.add", number), resize(1), "tiny");
  fewer.disabled = shape.units <= 1;
  more.disabled = shape.units >= MAX_UNITS;
  const activation = state.specification.activations[layer] ?? state.specification.activation;
  const label = message("playground.layer.menu", number);
  const menu = h(
    "button",
    { type: "button", class: "layer-menu-button", "aria-haspopup": "dialog", "aria-label": label, title: label },
    h("span", null, text(`playground.activation.${activation}`)),
    (shape.normalized || shape.skip !== "") &&
      h(
        "span",
        { class: "badges" },
        shape.normalized && h("span", { class: "badge" }, "BN"),
        shape.skip !== "" && h("span", { class: "badge" }, shape.skip === "add" ? "+x" : "⧺x"),
      ),
  );
  menu.addEventListener("click", () => openLayerMenu(menu, layer));
  return [
    h(
      "div",
      { class: "head-buttons", dataset: { control: "numHiddenLayers" } },
      fewer,
      h("span", null, String(shape.units)),
      more,
    ),
    menu,
  ];
}

/**
 * @param {string} sign
 * @param {import("../locale.js").Message} label
 * @param {() => void} onclick
 * @param {string} [size]
 */
function roundButton(sign, label, onclick, size = "") {
  return h(
    "button",
    { type: "button", class: `icon-button ${size}`, "aria-label": label, title: label, onclick },
    sign,
  );
}
