/** What is one layer's own: its activation, batch normalisation, its skip connection. */

import { h } from "../dom.js";
import { message, text } from "../locale.js";
import { store } from "../store.js";
import { ACTIVATIONS } from "./choices.js";
import { changeLayer, layersOf } from "./edits.js";
import { isOn } from "./link.js";
import { openPopover } from "./popover.js";
import { change } from "./session.js";

/**
 * Open the menu of a hidden layer.
 * @param {HTMLElement} anchor
 * @param {number} index
 */
export function openLayerMenu(anchor, index) {
  const specification = store.state?.specification;
  if (!specification) return;
  const layer = layersOf(specification)[index];
  const set = (/** @type {Partial<import("./edits.js").Layer>} */ part) =>
    change((wanted) => (index < wanted.hidden_layers.length ? changeLayer(wanted, index, part) : null));
  const activation = h(
    "select",
    null,
    ACTIVATIONS.map((name) => h("option", { value: name }, text(`playground.activation.${name}`))),
  );
  activation.value = layer.activation;
  activation.addEventListener("change", () => set({ activation: activation.value }));
  openPopover(anchor, message("playground.layer.menu", { layer: index + 1 }), [
    h("h3", null, text("playground.layer.title", { layer: index + 1 })),
    // What a link hides above cannot be had here either.
    ...(isOn(store.display, "activation_hide")
      ? []
      : [h("label", { class: "field" }, h("span", null, text("playground.activation")), activation)]),
    check("playground.layer.normalized", layer.normalized, (normalized) => set({ normalized })),
    check("playground.layer.skip", layer.skip, (skip) => set({ skip })),
    h("p", { class: "muted small" }, text("playground.layer.skip.explained")),
  ]);
}

/**
 * @param {string} key
 * @param {boolean} checked
 * @param {(checked: boolean) => void} onChange
 */
function check(key, checked, onChange) {
  const input = h("input", { type: "checkbox", checked });
  input.addEventListener("change", () => onChange(input.checked));
  return h("label", { class: "check" }, input, h("span", null, text(key)));
}
