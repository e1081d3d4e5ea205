/** Which point is followed: a map to click, and its numbers to type. */

import * as colours from "../../colours.js";
import { fitCanvas, h, onceAFrame, replace } from "../../dom.js";
import { formatNumber, message, onLanguage, text } from "../../locale.js";
import { brief } from "./numbers.js";
import { button, field } from "./parts.js";
import { scale } from "./scale.js";

/** @typedef {import("./parts.js").Context} Context */
/** @typedef {{ x: number, y: number, label: number }} Point */

const SIDE = 250;
const EDGES = { left: 26, right: 8, top: 8, bottom: 24 };

/**
 * Make the chooser of a point.
 * @param {Context} context
 * @param {(point: Point) => void} onchange
 * @returns {{ element: HTMLElement, point: () => Point, redraw: () => void }}
 */
export function pointChooser(context, onchange) {
  const { store } = context;
  /** @type {Point} */
  let point = { x: 2, y: 1, label: 1 };
  let turn = 0;
  const canvas = h("canvas", { class: "point-map", tabindex: 0, role: "application", "aria-label": message("panels.inside.map") });
  const x = coordinate();
  const y = coordinate();
  const labels = h("span", { class: "label-place" });
  const redraw = onceAFrame(draw);
  const element = h(
    "div",
    { class: "point-chooser" },
    canvas,
    h("div", { class: "panel-tools" }, field("panels.inside.x", x), field("panels.inside.y", y), labels),
    button("panels.inside.next", nextPoint),
  );
  for (const input of [x, y]) input.addEventListener("change", () => choose({ x: bounded(x), y: bounded(y) }));
  canvas.addEventListener("pointerdown", (event) => {
    const box = canvas.getBoundingClientRect();
    const unit = 12 / (SIDE - EDGES.left - EDGES.right);
    const across = (event.clientX - box.left - EDGES.left) * unit - 6;
    choose({ x: rounded(across), y: rounded(6 - (event.clientY - box.top - EDGES.top) * (12 / (SIDE - EDGES.top - EDGES.bottom))) });
  });
  canvas.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 1 : 0.1;
    /** @type {Record<string, [number, number]>} */
    const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    choose({ x: rounded(point.x + way[0]), y: rounded(point.y + way[1]) });
  });
  document.addEventListener("map-pick", (event) => {
    if (!(event instanceof CustomEvent) || canvas.offsetParent === null) return;
    choose({ x: rounded(event.detail.x), y: rounded(event.detail.y) });
  });
  colours.onColours(redraw);
  onLanguage(redraw);
  let kinds = "";

  /** @param {Partial<Point>} change */
  function choose(change) {
    point = { ...point, ...change };
    [x.value, y.value] = [String(point.x), String(point.y)];
    redraw();
    onchange(point);
  }

  function nextPoint() {
    const train = store.data?.arrays.train;
    if (!train?.length) return;
    turn = (turn + 3) % train.length;
    const [px, py, label] = train.subarray(turn, turn + 3);
    choose({ x: Number(px.toPrecision(6)), y: Number(py.toPrecision(6)), label: Number(label.toPrecision(6)) });
    kinds = "";
    fitLabels();
  }

  /** Offer the labels that this problem has. */
  function fitLabels() {
    const specification = store.state?.specification;
    if (!specification) return;
    const { problem, classes } = specification;
    if (`${problem}${classes}` === kinds) return;
    kinds = `${problem}${classes}`;
    if (problem === "regression") {
      const input = h("input", { type: "number", step: "any", value: point.label, class: "short" });
      input.addEventListener("change", () => input.reportValidity() && choose({ label: Number(input.value) }));
      replace(labels, field("panels.inside.label", input));
      return;
    }
    const values = classes === 2 ? [-1, 1] : Array.from({ length: classes }, (_, i) => i);
    if (!values.includes(point.label)) point = { ...point, label: values[values.length - 1] };
    const select = h("select", null, values.map((value) => h("option", { value, selected: value === point.label }, formatNumber(value, { signDisplay: classes === 2 ? "exceptZero" : "auto" }))));
    select.addEventListener("change", () => choose({ label: Number(select.value) }));
    replace(labels, field("panels.inside.label", select));
  }

  function draw() {
    fitLabels();
    const pen = fitCanvas(canvas, SIDE, SIDE);
    const across = scale({ low: -6, high: 6, from: EDGES.left, to: SIDE - EDGES.right });
    const down = scale({ low: -6, high: 6, from: SIDE - EDGES.bottom, to: EDGES.top });
    const style = getComputedStyle(canvas);
    pen.clearRect(0, 0, SIDE, SIDE);
    pen.imageSmoothingEnabled = false;
    const image = mapImage(context);
    if (image) pen.drawImage(image, EDGES.left, EDGES.top, SIDE - EDGES.left - EDGES.right, SIDE - EDGES.top - EDGES.bottom);
    pen.font = `12px ${style.fontFamily}`;
    pen.fillStyle = style.getPropertyValue("--ink-2");
    for (const tick of [-6, -3, 0, 3, 6]) {
      pen.textAlign = tick === 6 ? "right" : "center";
      pen.textBaseline = "top";
      pen.fillText(brief(tick), tick === 6 ? SIDE : across.at(tick), SIDE - EDGES.bottom + 6);
      pen.textAlign = "right";
      pen.textBaseline = tick === 6 ? "top" : tick === -6 ? "bottom" : "middle";
      pen.fillText(brief(tick), EDGES.left - 5, down.at(tick));
    }
    const { classes = 2 } = store.state?.specification ?? {};
    pen.beginPath();
    pen.arc(across.at(point.x), down.at(point.y), 7, 0, 2 * Math.PI);
    pen.fillStyle = colours.labelColour(point.label, classes);
    pen.fill();
    pen.lineWidth = 2.5;
    pen.strokeStyle = style.getPropertyValue("--ink");
    pen.stroke();
    pen.lineWidth = 1;
    pen.strokeStyle = style.getPropertyValue("--surface");
    pen.stroke();
  }

  [x.value, y.value] = [String(point.x), String(point.y)];
  return { element, point: () => point, redraw };
}

function coordinate() {
  return h("input", { type: "number", min: -6, max: 6, step: "any", class: "short" });
}

/** @param {HTMLInputElement} input */
function bounded(input) {
  return Math.max(-6, Math.min(6, Number(input.value) || 0));
}

/** @param {number} value */
function rounded(value) {
  return Math.round(Math.max(-6, Math.min(6, value)) * 100) / 100;
}

/**
 * The map that the frame carries, as a picture.
 * @param {Context} context
 * @returns {HTMLCanvasElement | null}
 */
function mapImage({ store }) {
  const arrays = store.frame?.arrays;
  if (!arrays?.map) return null;
  const side = Math.round(Math.sqrt(arrays.map.length));
  const canvas = h("canvas", { width: side, height: side });
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  const image = pen.createImageData(side, side);
  if (arrays.confidence) {
    const combined = Uint32Array.from(arrays.map, (index, i) => index * 256 + arrays.confidence[i]);
    colours.paint(image, combined, colours.classLookup(store.state?.specification.classes ?? 2));
  } else colours.paint(image, arrays.map, colours.lookup());
  pen.putImageData(image, 0, 0);
  return canvas;
}
