/**
 * The large map: what the network (or the unit under the pointer) says at every place, with the points on it.
 * A click tells the document: the event `map-pick` with the place, `detail: {x, y}`.
 */

import { classColour, classLookup, labelColour, lookup, onColours, paint, probabilityLookup } from "../colours.js";
import { fitCanvas, h, onceAFrame, replace } from "../dom.js";
import { formatNumber, onLanguage, t } from "../locale.js";
import { store } from "../store.js";
import { isOn } from "./link.js";
import { unitName } from "./names.js";

const SIDE = 100;
const REACH = 6; // the map shows [-6, 6] in both directions
const TICKS = [-6, -4, -2, 0, 2, 4, 6];

/** @param {HTMLElement} root */
export function mountBigMap(root) {
  const canvas = h("canvas", { class: "map-canvas", role: "img" });
  const holder = h("div", { class: "map-holder" }, canvas);
  const reading = h("p", { class: "map-reading muted small" });
  replace(root, holder, reading);
  const sheet = h("canvas", { width: SIDE, height: SIDE });
  const sheetContext = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
  const pixels = sheetContext.createImageData(SIDE, SIDE);
  /** @type {{ x: number, y: number } | null} */
  let pointer = null;
  /** @type {Area} */
  let area = { left: 0, top: 0, size: 1 };

  const draw = onceAFrame(() => {
    if (holder.offsetParent === null) return;
    const width = holder.clientWidth;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const side = width - 1.9 * rem - 0.6 * rem;
    area = { left: 1.9 * rem, top: 0.6 * rem, size: side };
    const context = fitCanvas(canvas, width, side + 2.2 * rem);
    context.clearRect(0, 0, width, side + 2.2 * rem);
    paintPixels(pixels);
    sheetContext.putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = !isOn(store.display, "discretize") && !store.frame?.arrays.confidence;
    context.drawImage(sheet, area.left, area.top, side, side);
    drawPoints(context, area, getComputedStyle(root));
    drawAxes(context, area, getComputedStyle(root), rem);
    reading.textContent = readingText(pointer);
    canvas.setAttribute("aria-label", t("playground.map.label", { name: shownName() }));
  });

  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    pointer = placeAt(area, event.clientX - box.left, event.clientY - box.top);
    draw();
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    draw();
  });
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    const detail = placeAt(area, event.clientX - box.left, event.clientY - box.top);
    if (detail) canvas.dispatchEvent(new CustomEvent("map-pick", { bubbles: true, detail }));
  });
  store.subscribe((what) => what !== "losses" && draw());
  new ResizeObserver(draw).observe(holder);
  onColours(draw);
  onLanguage(draw);
  draw();
}

/** @typedef {{ left: number, top: number, size: number }} Area */

/** @returns {number} 2 for regression too */
function specifiedClasses() {
  return store.state?.specification.classes ?? 2;
}

/** @returns {number | null} the class whose probability was asked for */
function probabilityUnit() {
  const [chosen, layers] = [store.selection, store.state?.network.layers.length ?? 0];
  return chosen && chosen[0] === layers - 1 && specifiedClasses() > 2 ? chosen[1] : null;
}

/** @param {ImageData} pixels */
function paintPixels(pixels) {
  const bytes = store.frame?.arrays.map;
  if (!bytes || bytes.length !== SIDE * SIDE) return;
  const { confidence } = /** @type {import("../frames.js").Frame} */ (store.frame).arrays;
  const discretized = isOn(store.display, "discretize");
  const classes = specifiedClasses();
  if (!confidence) {
    const unit = probabilityUnit();
    if (classes > 2 && !store.selection) return; // the pointer has just left a unit; the output comes next
    paint(pixels, bytes, unit === null ? lookup(discretized) : probabilityLookup(classes, unit));
    return;
  }
  const through = classLookup(classes);
  const places = Uint16Array.from(bytes, (index, i) => index * 256 + (discretized ? 200 : confidence[i]));
  paint(pixels, places, through);
}

/**
 * @param {Area} area
 * @param {number} x in the canvas, CSS pixels
 * @param {number} y
 * @returns {{ x: number, y: number } | null} in the plane; null: beside the map
 */
export function placeAt(area, x, y) {
  const place = {
    x: ((x - area.left) / area.size) * 2 * REACH - REACH,
    y: REACH - ((y - area.top) / area.size) * 2 * REACH,
  };
  return Math.abs(place.x) <= REACH && Math.abs(place.y) <= REACH ? place : null;
}

function shownName() {
  const [state, chosen] = [store.state, store.selection];
  return state && chosen ? unitName(state, chosen[0], chosen[1]) : t("playground.name.output");
}

/** @param {{ x: number, y: number } | null} place */
function readingText(place) {
  const bytes = store.frame?.arrays.map;
  if (!place || !bytes) return t("playground.map.shows", { name: shownName() });
  const column = Math.round(((place.x + REACH) / (2 * REACH)) * (SIDE - 1));
  const row = Math.round(((REACH - place.y) / (2 * REACH)) * (SIDE - 1));
  const byte = bytes[row * SIDE + column];
  const { confidence } = /** @type {import("../frames.js").Frame} */ (store.frame).arrays;
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  const values = { x: formatNumber(place.x, digits), y: formatNumber(place.y, digits) };
  if (confidence)
    return t("playground.map.class", {
      ...values,
      index: byte,
      share: formatNumber(confidence[row * SIDE + column] / 255, { style: "percent" }),
    });
  const value = byte / 127.5 - 1;
  return t("playground.map.value", {
    ...values,
    value: `${byte === 0 ? "≤ " : byte === 255 ? "≥ " : ""}${formatNumber(value, digits)}`,
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Area} area
 * @param {CSSStyleDeclaration} style
 */
function drawPoints(context, area, style) {
  const data = store.data?.arrays;
  if (!data) return;
  const classes = store.state?.specification.classes ?? 2;
  const radius = Math.max(2.2, area.size / (data.train.length > 3 * 400 ? 130 : 105));
  // A value near 0 has the ground's colour: its edge is all that shows it.
  const ofValues = store.state?.specification.problem === "regression";
  const surface = style.getPropertyValue(ofValues ? "--value-edge" : "--point-edge");
  const ink = style.getPropertyValue("--test-edge");
  if (isOn(store.display, "showTestData")) dots(context, area, data.test, classes, radius, ink);
  dots(context, area, data.train, classes, radius, surface);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Area} area
 * @param {ArrayLike<number>} points
 * @param {number} classes
 * @param {number} radius
 * @param {string} edge
 */
function dots(context, area, points, classes, radius, edge) {
  context.strokeStyle = edge;
  context.lineWidth = 0.9;
  for (let i = 0; i + 2 < points.length; i += 3) {
    const x = area.left + ((points[i] + REACH) / (2 * REACH)) * area.size;
    const y = area.top + ((REACH - points[i + 1]) / (2 * REACH)) * area.size;
    if (Math.abs(points[i]) > REACH || Math.abs(points[i + 1]) > REACH) continue;
    context.fillStyle = labelColour(points[i + 2], classes);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Area} area
 * @param {CSSStyleDeclaration} style
 * @param {number} rem
 */
function drawAxes(context, area, style, rem) {
  context.strokeStyle = style.getPropertyValue("--line-strong");
  context.lineWidth = 1;
  context.strokeRect(area.left - 0.5, area.top - 0.5, area.size + 1, area.size + 1);
  context.fillStyle = style.getPropertyValue("--ink-2");
  context.font = `${Math.max(12, 0.75 * rem)}px ${style.fontFamily}`;
  for (const tick of TICKS) {
    const share = (tick + REACH) / (2 * REACH);
    context.textAlign = "center";
    context.textBaseline = "top";
    context.fillText(formatNumber(tick), area.left + share * area.size, area.top + area.size + 5);
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText(formatNumber(tick), area.left - 5, area.top + (1 - share) * area.size);
  }
}

/**
 * Keep the legend under the map: a colour bar from -1 to 1, or the classes.
 * @param {HTMLElement} root
 */
export function mountLegend(root) {
  let shown = "";
  const draw = () => {
    const [classes, unit] = [specifiedClasses(), probabilityUnit()];
    const bar = classes === 2 || store.selection !== null;
    const next = `${bar} ${classes} ${unit}`;
    if (shown === next) return;
    shown = next;
    if (!bar)
      replace(
        root,
        Array.from({ length: classes }, (_, i) => classKey(i)),
      );
    else if (unit === null) replace(root, colourBar(lookup(), 0, [-1, -0.5, 0, 0.5, 1]));
    else replace(root, colourBar(probabilityLookup(classes, unit), 128, [0, 0.5, 1]));
  };
  store.subscribe((what) => (what === "state" || what === "selection") && draw());
  onColours(() => {
    shown = "";
    draw();
  });
  onLanguage(() => {
    shown = "";
    draw();
  });
  draw();
}

/**
 * @param {Uint32Array} through
 * @param {number} first byte
 * @param {number[]} ticks
 */
function colourBar(through, first, ticks) {
  const length = 256 - first;
  const canvas = h("canvas", { width: length, height: 1, class: "colour-bar", "aria-hidden": "true" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(length, 1);
  paint(
    image,
    Uint8Array.from({ length }, (_, i) => first + i),
    through,
  );
  context.putImageData(image, 0, 0);
  const words = ticks.map((value) => h("span", null, formatNumber(value)));
  return h("div", { class: "colour-scale" }, canvas, h("div", { class: "colour-ticks" }, words));
}

/** @param {number} index */
function classKey(index) {
  return h(
    "span",
    { class: "class-key" },
    h("span", { class: "swatch", style: { background: classColour(index) } }),
    t("playground.name.class", { index }),
  );
}
