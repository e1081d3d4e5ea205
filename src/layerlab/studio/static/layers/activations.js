/** The curves of every activation with its derivative; the lecture's seven first. */

import { onColours } from "../colours.js";
import { fitCanvas, h, onceAFrame, replace } from "../dom.js";
import { formatNumber, message, onLanguage, text } from "../locale.js";
import { Refused, asker, worded } from "./api.js";
import { drawCurve } from "./curve.js";
import { slider } from "./controls.js";
import { formulas } from "./formulas.js";

/** @typedef {{ name: string, lecture: boolean, values: number[], derivatives: number[] }} Curve */

export function build() {
  const ask = asker("activations");
  const go = () => void update();
  const reach = slider({ label: "layers.activations.reach", min: 1, max: 10, value: 5, onchange: go });
  const slope = slider({ label: "layers.activations.slope", min: 0, max: 1, step: 0.05, value: 0.1, onchange: go });
  const alpha = slider({ label: "layers.activations.alpha", min: 0.1, max: 3, step: 0.1, value: 1, onchange: go });
  const w1 = slider({ label: "layers.activations.w1", min: -2, max: 2, step: 0.25, value: -1, onchange: go });
  const w2 = slider({ label: "layers.activations.w2", min: -2, max: 2, step: 0.25, value: 1, onchange: go });
  const place = slider({ label: "layers.activations.place", min: -5, max: 5, step: 0.05, value: 1, onchange: () => redraw() });
  const status = h("p", { class: "problem", role: "status", hidden: true });
  const lecture = h("div", { class: "curves" });
  const others = h("div", { class: "curves" });
  const more = h("details", null, h("summary", null, text("layers.activations.others")), others, h("p", { class: "note" }, text("layers.activations.vectors")));
  /** @type {{ x: number[], curves: Curve[] } | null} */
  let answer = null;
  /** @type {Map<string, { root: HTMLElement, canvas: HTMLCanvasElement, said: HTMLElement }>} */
  const cards = new Map();
  const redraw = onceAFrame(draw);

  async function update() {
    try {
      answer = await ask({ low: -reach.value(), high: reach.value(), points: 201, negative_slope: slope.value(), alpha: alpha.value(), first: [w1.value(), 0], second: [w2.value(), 0] });
      status.hidden = true;
      for (const curve of /** @type {{ curves: Curve[] }} */ (answer).curves) card(curve);
      redraw();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      status.hidden = false;
      status.textContent = worded(error.problem);
    }
  }

  /** @param {Curve} curve */
  function card(curve) {
    if (cards.has(curve.name)) return;
    const canvas = h("canvas", { role: "img", "aria-label": message(`layers.activation.${curve.name}`) });
    const said = h("p", { class: "curve-said" });
    const root = h(
      "figure",
      { class: "curve", onmousemove: (/** @type {MouseEvent} */ event) => follow(event, canvas) },
      h("figcaption", null, h("strong", null, text(`layers.activation.${curve.name}`)), curve.lecture && h("span", { class: "formula-small" }, formulas(`activations.${curve.name}`))),
      canvas,
      said,
    );
    cards.set(curve.name, { root, canvas, said });
    (curve.lecture ? lecture : others).append(root);
  }

  /** @param {MouseEvent} event @param {HTMLCanvasElement} canvas */
  function follow(event, canvas) {
    const box = canvas.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    place.set(Math.max(-5, Math.min(5, (2 * share - 1) * reach.value())));
    redraw();
  }

  function draw() {
    if (!answer) return;
    const { x, curves } = answer;
    const at = place.value();
    for (const curve of curves) {
      const held = cards.get(curve.name);
      if (!held) continue;
      const width = held.root.clientWidth || 240;
      drawCurve(fitCanvas(held.canvas, width, 170), width, 170, x, curve.values, curve.derivatives, at);
      const nearest = Math.round(((Math.min(Math.max(at, x[0]), x[x.length - 1]) - x[0]) / (x[x.length - 1] - x[0])) * (x.length - 1));
      replace(held.said, `f(${formatNumber(Number(x[nearest].toFixed(6)))}) = ${formatNumber(curve.values[nearest])}, f′ = ${formatNumber(curve.derivatives[nearest])}`);
    }
  }

  more.addEventListener("toggle", redraw);
  const forget = [onLanguage(redraw), onColours(redraw)];
  const resized = new ResizeObserver(redraw);
  resized.observe(lecture);
  void update();
  return {
    root: h(
      "div",
      { class: "layer-body" },
      h("div", { class: "controls" }, reach.root, place.root, slope.root, alpha.root, w1.root, w2.root),
      status,
      h("p", { class: "legend" }, h("span", { class: "key-value" }, text("layers.activations.value")), h("span", { class: "key-derivative" }, text("layers.activations.derivative"))),
      lecture,
      more,
    ),
    stop() {
      resized.disconnect();
      for (const ending of forget) ending();
    },
  };
}
