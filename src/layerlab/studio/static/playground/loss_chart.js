/** The losses: their numbers, and their curves over the epochs, linear or logarithmic. */

import { onColours } from "../colours.js";
import { fitCanvas, h, onceAFrame, replace } from "../dom.js";
import { formatNumber, message, onLanguage, t, text } from "../locale.js";
import { recall, remember } from "../preferences.js";
import { store } from "../store.js";
import { linearTicks, logarithmicTicks, tickText } from "./axes.js";

const LEFT = 3.1; // rem, for the numbers
const BOTTOM = 1.7;

/** @param {HTMLElement} root */
export function mountLosses(root) {
  const train = h("output");
  const test = h("output");
  const canvas = h("canvas", { class: "loss-canvas", role: "img" });
  const holder = h("div", { class: "loss-holder" }, canvas);
  let logarithmic = recall("log-loss", "") === "true";
  const toggle = h(
    "button",
    {
      type: "button",
      class: "button small",
      "aria-pressed": String(logarithmic),
      title: message("playground.chart.log.title"),
    },
    text("playground.chart.log"),
  );
  const draw = onceAFrame(() => {
    train.textContent = lossText(store.frame?.train_loss);
    test.textContent = lossText(store.frame?.test_loss);
    if (holder.offsetParent === null) return;
    canvas.setAttribute(
      "aria-label",
      t("playground.chart.label", { epoch: store.frame?.epoch ?? 0, train: train.value, test: test.value }),
    );
    drawCurves(canvas, holder, logarithmic);
  });
  toggle.addEventListener("click", () => {
    logarithmic = !logarithmic;
    toggle.setAttribute("aria-pressed", String(logarithmic));
    remember("log-loss", String(logarithmic));
    draw();
  });
  replace(
    root,
    h(
      "div",
      { class: "loss-figures" },
      h("div", { class: "loss-figure train" }, h("span", null, text("playground.loss.train")), train),
      h("div", { class: "loss-figure test" }, h("span", null, text("playground.loss.test")), test),
      toggle,
    ),
    holder,
  );
  store.subscribe((what) => (what === "frame" || what === "losses" || what === "state") && draw());
  new ResizeObserver(draw).observe(holder);
  onColours(draw);
  onLanguage(draw);
  draw();
}

/**
 * A loss with three decimals, or more where it is smaller.
 * @param {number | null | undefined} value
 */
function lossText(value) {
  if (value === undefined) return "–";
  if (value === null) return t("playground.loss.none");
  const size = Math.abs(value);
  if (size === 0 || size >= 0.001) return formatNumber(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  return formatNumber(
    value,
    size >= 1e-5 ? { maximumSignificantDigits: 2 } : { notation: "scientific", maximumSignificantDigits: 3 },
  );
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} holder
 * @param {boolean} logarithmic
 */
function drawCurves(canvas, holder, logarithmic) {
  const style = getComputedStyle(holder);
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const [width, height] = [holder.clientWidth, holder.clientHeight];
  const context = fitCanvas(canvas, width, height);
  context.clearRect(0, 0, width, height);
  const { epoch, train, test } = store.losses;
  const area = { left: LEFT * rem, top: 0.7 * rem, right: width - 0.6 * rem, bottom: height - BOTTOM * rem };
  const lastEpoch = Math.max(1, epoch[epoch.length - 1] ?? 1);
  const [low, high] = range([train, test], logarithmic);
  const toX = (/** @type {number} */ value) => area.left + ((area.right - area.left) * value) / lastEpoch;
  const share = logarithmic
    ? (/** @type {number} */ v) => Math.log(Math.max(v, low) / low) / Math.log(high / low)
    : (/** @type {number} */ v) => (v - low) / (high - low);
  const toY = (/** @type {number} */ value) => area.bottom - (area.bottom - area.top) * share(value);
  context.font = `${Math.max(12, 0.75 * rem)}px ${style.fontFamily}`;
  context.fillStyle = style.getPropertyValue("--ink-2");
  context.strokeStyle = style.getPropertyValue("--line");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of logarithmic ? logarithmicTicks(low, high, 3) : linearTicks(low, high, 4)) {
    line(context, [area.left, area.right], [toY(tick), toY(tick)]);
    context.fillText(tickText(tick), area.left - 6, toY(tick));
  }
  context.textBaseline = "top";
  const ticks = linearTicks(0, lastEpoch, 4).filter(Number.isInteger);
  ticks.forEach((tick, i) => {
    context.textAlign = i === ticks.length - 1 && toX(tick) > area.right - rem ? "right" : "center";
    context.fillText(tickText(tick), Math.min(toX(tick), width - 2), area.bottom + 5);
  });
  curve(context, epoch, test, toX, toY, style.getPropertyValue("--test-line"), [6, 4]);
  curve(context, epoch, train, toX, toY, style.getPropertyValue("--train-line"), []);
}

/**
 * @param {number[][]} curves
 * @param {boolean} logarithmic
 * @returns {[number, number]}
 */
function range(curves, logarithmic) {
  let [low, high] = [Infinity, 0];
  for (const values of curves) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      high = Math.max(high, value);
      if (value > 0) low = Math.min(low, value);
    }
  }
  if (!logarithmic) return [0, high > 0 ? high * 1.05 : 1];
  if (!Number.isFinite(low)) return [0.001, 1];
  low = Math.max(low, high * 1e-12);
  return [low / 1.15, Math.max(high * 1.15, low * 1.5)];
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {[number, number]} xs
 * @param {[number, number]} ys
 */
function line(context, xs, ys) {
  context.beginPath();
  context.moveTo(xs[0], ys[0]);
  context.lineTo(xs[1], ys[1]);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} epochs
 * @param {number[]} values
 * @param {(value: number) => number} toX
 * @param {(value: number) => number} toY
 * @param {string} colour
 * @param {number[]} dash
 */
function curve(context, epochs, values, toX, toY, colour, dash) {
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.setLineDash(dash);
  context.beginPath();
  let lastX = -1;
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) return;
    const x = toX(epochs[i]);
    if (x - lastX < 0.5 && i < values.length - 1) return; // no two points in one pixel
    if (lastX < 0) context.moveTo(x, toY(value));
    else context.lineTo(x, toY(value));
    lastX = x;
  });
  context.stroke();
  context.setLineDash([]);
}
