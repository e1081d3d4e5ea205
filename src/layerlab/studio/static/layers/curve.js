/** One activation's curve and its derivative on numbered axes. */

import { linearTicks, tickText } from "../playground/axes.js";

const EDGE = { left: 34, right: 8, top: 8, bottom: 22 };

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} height
 * @param {number[]} x
 * @param {number[]} values
 * @param {number[]} derivatives
 * @param {number} at where the marker stands
 */
export function drawCurve(context, width, height, x, values, derivatives, at) {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const all = [...values, ...derivatives].filter(Number.isFinite);
  const low = Math.max(Math.min(...all, 0), -6);
  const high = Math.min(Math.max(...all, 1), 6);
  const [air, from, to] = [(high - low) * 0.06, x[0], x[x.length - 1]];
  const across = (/** @type {number} */ value) => EDGE.left + ((value - from) / (to - from)) * (width - EDGE.left - EDGE.right);
  const up = (/** @type {number} */ value) => height - EDGE.bottom - ((value - low + air) / (high - low + 2 * air)) * (height - EDGE.top - EDGE.bottom);
  context.clearRect(0, 0, width, height);
  context.font = `12px ${style.fontFamily || "sans-serif"}`;
  context.lineWidth = 1;
  context.fillStyle = colour("--ink-2");
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of linearTicks(from, to, 4)) {
    rule(across(tick), EDGE.top, across(tick), height - EDGE.bottom, tick === 0);
    context.fillText(tickText(tick), across(tick), height - EDGE.bottom + 5);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of linearTicks(low, high, 4)) {
    rule(EDGE.left, up(tick), width - EDGE.right, up(tick), tick === 0);
    context.fillText(tickText(tick), EDGE.left - 5, up(tick));
  }
  context.save();
  context.beginPath();
  context.rect(EDGE.left, EDGE.top, width - EDGE.left - EDGE.right, height - EDGE.top - EDGE.bottom);
  context.clip();
  line(derivatives, colour("--negative"), [5, 4]);
  line(values, colour("--positive"), []);
  const nearest = Math.round(((Math.min(Math.max(at, from), to) - from) / (to - from)) * (x.length - 1));
  dot(values[nearest], colour("--positive"));
  dot(derivatives[nearest], colour("--negative"));
  context.restore();

  /** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {boolean} strong */
  function rule(x1, y1, x2, y2, strong) {
    context.strokeStyle = colour(strong ? "--line-strong" : "--line");
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    context.stroke();
  }

  /** @param {number[]} points @param {string} stroke @param {number[]} dash */
  function line(points, stroke, dash) {
    context.strokeStyle = stroke;
    context.lineWidth = 2.5;
    context.setLineDash(dash);
    context.beginPath();
    points.forEach((value, i) => context.lineTo(across(x[i]), up(value)));
    context.stroke();
    context.setLineDash([]);
  }

  /** @param {number} value @param {string} fill */
  function dot(value, fill) {
    context.fillStyle = fill;
    context.beginPath();
    context.arc(across(x[nearest]), up(value), 4.5, 0, 2 * Math.PI);
    context.fill();
  }
}
