/** The board on which points are drawn: axes with numbers, a brush for the pointer, a crosshair for the keyboard. */

import * as colours from "../../colours.js";
import { fitCanvas, h, onceAFrame } from "../../dom.js";
import { message, onLanguage } from "../../locale.js";
import { REACH } from "./drawn_points.js";
import { brief } from "./numbers.js";
import { scale } from "./scale.js";

/** @typedef {import("./drawn_points.js").DrawnPoints} DrawnPoints */
/** @typedef {import("./scale.js").Scale} Scale */
/**
 * @typedef {object} Brush
 * @property {boolean} erases
 * @property {number} label
 * @property {number} classes 2 for regression too
 * @property {boolean} regression
 * @property {number} radius in units of the axes; 0 puts points exactly where the pointer is
 */
/**
 * @typedef {object} BoardActions
 * @property {() => Brush} brush
 * @property {() => void} changed points came or went
 * @property {() => void} full no more points fit
 * @property {(x: number, y: number) => void} moved the crosshair stands elsewhere
 * @property {(digit: number) => void} digit a number key was pressed: another class
 */

const MARGIN = 30;
const SPACING = 0.3;
const ERASER = 0.5;

/**
 * Make the board.
 * @param {DrawnPoints} points
 * @param {BoardActions} actions
 * @returns {{ element: HTMLElement, redraw: () => void }}
 */
export function drawingBoard(points, actions) {
  const canvas = h("canvas", { class: "board", tabindex: 0, role: "application", "aria-label": message("panels.data.board") });
  const element = h("div", { class: "board-frame" }, canvas);
  let cross = { x: 0, y: 0 };
  /** @type {{ x: number, y: number } | null} */
  let last = null;
  const redraw = onceAFrame(draw);

  /** @returns {{ across: Scale, down: Scale, side: number }} */
  function axes() {
    const side = Math.max(220, element.clientWidth);
    const across = scale({ low: -REACH, high: REACH, from: MARGIN, to: side - 8 });
    return { across, down: scale({ low: -REACH, high: REACH, from: side - MARGIN, to: 8 }), side };
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  function apply(x, y) {
    const { erases, label, regression, radius } = actions.brush();
    if (erases) points.erase(x, y, Math.max(ERASER, radius));
    else {
      const count = radius ? Math.max(1, Math.round(radius * 3)) : 1;
      for (let i = 0; i < count; i += 1) {
        const [turn, reach] = [Math.random() * 2 * Math.PI, radius * Math.sqrt(Math.random())];
        if (!points.add(x + reach * Math.cos(turn), y + reach * Math.sin(turn), regression ? label : Math.round(label))) {
          actions.full();
          break;
        }
      }
    }
    actions.changed();
    redraw();
  }

  /** @param {PointerEvent} event */
  function placeOf(event) {
    const box = canvas.getBoundingClientRect();
    const { side } = axes();
    const unit = (2 * REACH) / (side - MARGIN - 8);
    const down = event.clientY - box.top;
    return { x: (event.clientX - box.left - MARGIN) * unit - REACH, y: REACH - (down - 8) * unit };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    points.remember();
    last = cross = placeOf(event);
    apply(last.x, last.y);
  });
  canvas.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    if (!last) return;
    const { erases, radius } = actions.brush();
    if (!erases && Math.hypot(place.x - last.x, place.y - last.y) < Math.max(SPACING, radius / 2)) return;
    last = cross = place;
    apply(place.x, place.y);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      last = null;
    });
  }

  canvas.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 1 : 0.25;
    /** @type {Record<string, [number, number]>} */
    const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    const way = ways[event.key];
    if (way) {
      cross = { x: within(cross.x + way[0]), y: within(cross.y + way[1]) };
      actions.moved(cross.x, cross.y);
      redraw();
    } else if (event.key === "Enter" || event.key === " ") {
      points.remember();
      apply(cross.x, cross.y);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      points.remember();
      points.erase(cross.x, cross.y, ERASER);
      actions.changed();
      redraw();
    } else if (/^[1-6]$/.test(event.key)) actions.digit(Number(event.key));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  for (const name of ["focus", "blur"]) canvas.addEventListener(name, redraw);
  new ResizeObserver(redraw).observe(element);
  colours.onColours(redraw);
  onLanguage(redraw);

  function draw() {
    if (!element.clientWidth) return;
    const { across, down, side } = axes();
    const pen = fitCanvas(canvas, side, side);
    const style = getComputedStyle(canvas);
    pen.clearRect(0, 0, side, side);
    grid(pen, across, down, style);
    const { classes, regression } = actions.brush();
    for (const point of points.points) {
      pen.beginPath();
      pen.arc(across.at(point.x), down.at(point.y), 3.5, 0, 2 * Math.PI);
      pen.fillStyle = colours.labelColour(classes === 2 && !regression ? 2 * point.label - 1 : point.label, classes);
      pen.fill();
      pen.strokeStyle = style.getPropertyValue("--surface");
      pen.lineWidth = 1;
      pen.stroke();
    }
    if (document.activeElement === canvas) crosshair(pen, across.at(cross.x), down.at(cross.y), style);
  }

  return { element, redraw };
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Scale} across
 * @param {Scale} down
 * @param {CSSStyleDeclaration} style
 */
function grid(pen, across, down, style) {
  const [left, right, top, bottom] = [across.at(-REACH), across.at(REACH), down.at(REACH), down.at(-REACH)];
  pen.font = `12px ${style.fontFamily}`;
  pen.fillStyle = style.getPropertyValue("--ink-2");
  pen.strokeStyle = style.getPropertyValue("--line");
  pen.lineWidth = 1;
  for (const tick of [-6, -4, -2, 0, 2, 4, 6]) {
    pen.beginPath();
    pen.moveTo(across.at(tick), top);
    pen.lineTo(across.at(tick), bottom);
    pen.moveTo(left, down.at(tick));
    pen.lineTo(right, down.at(tick));
    pen.stroke();
    pen.textAlign = "center";
    pen.textBaseline = "top";
    pen.fillText(brief(tick), across.at(tick), bottom + 6);
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    pen.fillText(brief(tick), left - 6, down.at(tick));
  }
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} y
 * @param {CSSStyleDeclaration} style
 */
function crosshair(pen, x, y, style) {
  pen.strokeStyle = style.getPropertyValue("--accent");
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(x - 10, y);
  pen.lineTo(x + 10, y);
  pen.moveTo(x, y - 10);
  pen.lineTo(x, y + 10);
  pen.stroke();
}

/** @param {number} value */
function within(value) {
  return Math.max(-REACH, Math.min(REACH, value));
}
