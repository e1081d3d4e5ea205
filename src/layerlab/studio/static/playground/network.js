/** The middle of the playground: features, layers, neurons and links, to look at and to change. */

import { onColours } from "../colours.js";
import { fitCanvas, h, onceAFrame, replace } from "../dom.js";
import { formatNumber, message, onLanguage, t } from "../locale.js";
import { store } from "../store.js";
import { openEditor } from "./editor.js";
import { layOut, linkAt, weightIndex } from "./layout.js";
import { isOn } from "./link.js";
import { sourceName } from "./names.js";
import { countOfLayers, replaceHeads } from "./network_heads.js";
import { featureNodes, markSelection, unitNodes } from "./network_nodes.js";
import { drawLinks, drawNodes } from "./network_picture.js";
import { roam, stopAt } from "./roving.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./layout.js").Link} Link */
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
      layout,
      state: store.state,
      frame: fitting(store.state),
      maps: store.maps,
      marked,
      discretized: isOn(store.display, "discretize"),
      ink: getComputedStyle(root).color,
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
      store.tell("display"); // what the link hides is hidden in what was just made, too
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

/** @param {HTMLElement} overlay */
function focusedNode(overlay) {
  const holder = document.activeElement?.closest("[data-node]");
  return holder && overlay.contains(holder) ? holder.getAttribute("data-node") : null;
}

/**
 * @param {Link} link
 * @param {State} state
 */
function linkText(link, state) {
  const weights = store.frame?.arrays.weights;
  const values = Array.from({ length: link.pieces }, (_, piece) => weights?.[weightIndex(link, piece, state)] ?? NaN);
  const { dead, frozen } = store.frame?.arrays ?? {};
  const how = dead?.[link.weight] ? ".dead" : frozen?.[link.weight] ? ".frozen" : "";
  return t(`playground.link${how}`, {
    from: sourceName(state, link.layer, link.source),
    value: values.map((value) => formatNumber(value)).join("; "),
  });
}
