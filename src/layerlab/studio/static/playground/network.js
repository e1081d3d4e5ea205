/** The middle of the playground: features, layers, neurons and links, to look at and to change. */

import { onColours } from "../colours.js";
import { fitCanvas, h, onceAFrame, replace } from "../dom.js";
import { formatNumber, message, onLanguage, t, text } from "../locale.js";
import { store } from "../store.js";
import { FEATURES, FEATURE_SYMBOLS, MAX_LAYERS, MAX_UNITS } from "./choices.js";
import { addLayer, removeLayer, resizeLayer, toggleFeature } from "./edits.js";
import { openEditor } from "./editor.js";
import { openLayerMenu } from "./layer_menu.js";
import { layOut, linkAt, weightIndex } from "./layout.js";
import { isOn } from "./link.js";
import { unitName, sourceName } from "./names.js";
import { biasSide, drawLinks, drawNodes } from "./network_picture.js";
import { roam, stopAt } from "./roving.js";
import { change, select } from "./session.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./layout.js").Link} Link */
/** @typedef {import("./layout.js").Node} Node */
/** @typedef {import("../store.js").State} State */

/** Thousands of curves take longer than a frame: they are drawn less often than the maps, and once at rest. */
const MANY_LINKS = 1000;
const WAIT_PER_LINK = 0.045; // milliseconds

/**
 * Put the network into `root`.
 * @param {HTMLElement} root
 */
export function mountNetwork(root) {
  const lines = h("canvas", { class: "network-canvas", "aria-hidden": "true" });
  const canvas = h("canvas", { class: "network-canvas", "aria-hidden": "true" });
  const overlay = h("div", { class: "network-overlay", role: "group", "aria-label": message("playground.network") });
  const tooltip = h("div", { class: "tooltip", hidden: true });
  const stage = h("div", { class: "network-stage" }, lines, canvas, overlay, tooltip);
  const heads = h("div", { class: "network-heads" });
  const scroller = h("div", { class: "network-scroller" }, heads, stage);
  replace(root, countOfLayers(), scroller);

  /** @type {Layout | null} */
  let layout = null;
  let shape = "";
  /** @type {Link | null} */
  let marked = null;

  let linesWait = 0;
  let linesLater = 0;
  const draw = onceAFrame(() => {
    if (!layout || !store.state || root.offsetParent === null) return;
    const picture = {
      layout, state: store.state, frame: fitting(store.state), maps: store.maps, marked,
      discretized: isOn(store.display, "discretize"), ink: getComputedStyle(root).color,
    };
    if (performance.now() >= linesWait || layout.links.length < MANY_LINKS) {
      drawLinks(fitCanvas(lines, layout.width, layout.height), picture);
      linesWait = performance.now() + layout.links.length * WAIT_PER_LINK;
    } else if (!linesLater) {
      linesLater = window.setTimeout(() => {
        linesLater = 0;
        draw();
      }, linesWait - performance.now());
    }
    drawNodes(fitCanvas(canvas, layout.width, layout.height), picture);
    overlay.dataset.drawn = String(Number(overlay.dataset.drawn ?? 0) + 1);
  });

  const build = () => {
    const state = store.state;
    if (!state || scroller.clientWidth === 0) return;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const next = `${JSON.stringify([state.network, state.specification.activations, scroller.clientWidth, rem])}`;
    if (next !== shape) {
      shape = next;
      marked = null;
      linesWait = 0;
      layout = layOut(state, scroller.clientWidth - 2, rem);
      stage.style.setProperty("width", `${layout.width}px`);
      stage.style.setProperty("height", `${layout.height}px`);
      heads.style.setProperty("width", `${layout.width}px`);
      const focused = focusedNode(overlay);
      replace(overlay, featureNodes(layout), unitNodes(layout, state));
      stopAt(overlay);
      if (focused) overlay.querySelector(`[data-node="${focused}"]`)?.querySelector("button")?.focus();
      replaceHeads(heads, layout, state);
    }
    markSelection(overlay);
    draw();
  };

  /** @param {PointerEvent} event */
  const hover = (event) => {
    if (!layout || !store.state) return;
    const box = stage.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const found = event.target === overlay || event.target === canvas ? linkAt(layout, x, y) : null;
    if (found !== marked) {
      marked = found;
      draw();
    }
    stage.style.setProperty("cursor", found ? "pointer" : "");
    tooltip.hidden = !found;
    if (!found) return;
    tooltip.textContent = linkText(found, store.state);
    tooltip.style.setProperty("left", `${Math.min(x + 14, layout.width - tooltip.offsetWidth)}px`);
    tooltip.style.setProperty("top", `${Math.max(0, y - 34)}px`);
  };
  stage.addEventListener("pointermove", hover);
  stage.addEventListener("pointerleave", () => {
    marked = null;
    tooltip.hidden = true;
    draw();
  });
  stage.addEventListener("click", (event) => {
    if (!layout || (event.target !== overlay && event.target !== canvas)) return;
    const box = stage.getBoundingClientRect();
    const found = linkAt(layout, event.clientX - box.left, event.clientY - box.top);
    if (!found) return;
    const { layer, unit, source } = found;
    openEditor({ anchor: { x: event.clientX, y: event.clientY }, layer, unit, sources: [source] });
  });

  store.subscribe((what) => {
    if (what === "state") build();
    else if (what === "frame" || what === "display") draw();
    else if (what === "selection") markSelection(overlay);
  });
  roam(overlay);
  new ResizeObserver(build).observe(scroller);
  onColours(draw);
  onLanguage(() => {
    shape = "";
    build();
  });
  build();
}

/**
 * The last frame, if it is of the network that the state describes.
 * @param {State} state
 */
function fitting(state) {
  const count = state.network.layers.reduce((sum, layer) => sum + layer.units * layer.inputs * layer.pieces, 0);
  return store.frame && store.frame.arrays.weights.length === count ? store.frame : null;
}

function countOfLayers() {
  const number = h("strong");
  const parameters = h("span", { class: "muted small" });
  const fewer = h("button", { type: "button", class: "icon-button", "aria-label": message("playground.layer.remove"), title: message("playground.layer.remove"), onclick: () => change(removeLayer) }, "−");
  const more = h("button", { type: "button", class: "icon-button", "aria-label": message("playground.layer.add"), title: message("playground.layer.add"), onclick: () => change(addLayer) }, "+");
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

/** @param {HTMLElement} overlay */
function focusedNode(overlay) {
  const holder = document.activeElement?.closest("[data-node]");
  return holder && overlay.contains(holder) ? holder.getAttribute("data-node") : null;
}

/**
 * @param {Node} node
 * @returns {Record<string, string>}
 */
function place(node) {
  return {
    left: `${node.x - node.size / 2}px`, top: `${node.y - node.size / 2}px`,
    width: `${node.size}px`, height: `${node.size}px`,
  };
}

/** @param {Layout} layout */
function featureNodes(layout) {
  return FEATURES.map((name) => {
    const node = /** @type {Node} */ (layout.features.get(name));
    const button = h("button", {
      type: "button", class: "node feature", style: place(node), "aria-pressed": String(node.unit >= 0),
      "aria-label": message("playground.feature.label", { name: FEATURE_SYMBOLS[name] }),
      onclick: () => change((wanted) => toggleFeature(wanted, name)),
    });
    if (node.unit >= 0) showOnHover(button, node);
    const label = h("span", { class: "feature-label", "aria-hidden": "true", style: { right: `calc(100% - ${node.x - node.size / 2 - 8}px)`, top: `${node.y}px` } }, FEATURE_SYMBOLS[name]);
    label.classList.toggle("off", node.unit < 0);
    return h("div", { class: "node-holder", dataset: { node: name } }, button, label);
  });
}

/**
 * @param {Layout} layout
 * @param {State} state
 */
function unitNodes(layout, state) {
  return layout.layers.flat().map((node) => {
    const sources = Array.from({ length: state.network.layers[node.layer].inputs }, (_, i) => i);
    const button = h("button", {
      type: "button", class: "node unit", style: place(node), "aria-haspopup": "dialog",
      "aria-label": message("playground.unit.label", () => ({ name: unitName(state, node.layer, node.unit) })),
      onclick: () => openEditor({ anchor: button, layer: node.layer, unit: node.unit, sources: [-1, ...sources] }),
    });
    showOnHover(button, node);
    return h("div", { class: "node-holder", dataset: { node: `${node.layer}.${node.unit}` } }, button, biasButton(node, state));
  });
}

/**
 * @param {Node} node
 * @param {State} state
 */
function biasButton(node, state) {
  if (node.size < 18) return null;
  const side = biasSide(node);
  const style = { left: `${node.x - node.size / 2 - side - 5}px`, top: `${node.y + node.size / 2 - side - 4}px`, width: `${side + 8}px`, height: `${side + 8}px` };
  const title = message("playground.bias.label", () => ({ name: unitName(state, node.layer, node.unit), value: biasText(node, state) }));
  const button = h("button", { type: "button", class: "bias", style, tabindex: "-1", "aria-label": title });
  button.addEventListener("pointerenter", () => button.setAttribute("title", t(title.key, title.values)));
  button.addEventListener("click", () => openEditor({ anchor: button, layer: node.layer, unit: node.unit, sources: [-1] }));
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

/** @param {HTMLElement} overlay */
function markSelection(overlay) {
  for (const node of overlay.querySelectorAll(".node.selected")) node.classList.remove("selected");
  const chosen = store.selection;
  if (!chosen || !store.state) return;
  const name = chosen[0] < 0 ? store.state.network.features[chosen[1]] : chosen.join(".");
  overlay.querySelector(`[data-node="${CSS.escape(name)}"] .node`)?.classList.add("selected");
}

/**
 * @param {HTMLElement} heads
 * @param {Layout} layout
 * @param {State} state
 */
function replaceHeads(heads, layout, state) {
  const last = state.network.layers.length - 1;
  const title = h("div", { class: "head features-head", style: { left: "0px" } }, h("strong", null, text("playground.features")));
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
  const fewer = h("button", { type: "button", class: "icon-button tiny", "aria-label": message("playground.unit.remove", number), title: message("playground.unit.remove", number), onclick: resize(-1), disabled: shape.units <= 1 }, "−");
  const more = h("button", { type: "button", class: "icon-button tiny", "aria-label": message("playground.unit.add", number), title: message("playground.unit.add", number), onclick: resize(1), disabled: shape.units >= MAX_UNITS }, "+");
  const activation = state.specification.activations[layer] ?? state.specification.activation;
  const menu = h("button", { type: "button", class: "layer-menu-button", "aria-haspopup": "dialog", "aria-label": message("playground.layer.menu", number), title: message("playground.layer.menu", number), onclick: () => openLayerMenu(menu, layer) },
    h("span", null, text(`playground.activation.${activation}`)),
    shape.normalized && h("span", { class: "badge" }, "BN"),
    shape.skip !== "" && h("span", { class: "badge" }, shape.skip === "add" ? "+x" : "⧺x"),
  );
  return [
    h("div", { class: "head-buttons", dataset: { control: "numHiddenLayers" } }, fewer, h("span", null, String(shape.units)), more),
    menu,
  ];
}

/**
 * @param {Link} link
 * @param {State} state
 */
function linkText(link, state) {
  const weights = store.frame?.arrays.weights;
  const values = Array.from({ length: link.pieces }, (_, piece) => weights?.[weightIndex(link, piece, state)] ?? NaN);
  const key = store.frame?.arrays.dead?.[link.weight] ? "playground.link.dead" : store.frame?.arrays.frozen?.[link.weight] ? "playground.link.frozen" : "playground.link";
  return t(key, { from: sourceName(state, link.layer, link.source), value: values.map((value) => formatNumber(value)).join("; ") });
}
