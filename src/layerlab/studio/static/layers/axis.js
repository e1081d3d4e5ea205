/** The windows of a layer along one axis: over the padded input, or, transposed, over the output that is cut. */

import { h, replace, svg } from "../dom.js";
import { message, text } from "../locale.js";

/**
 * @typedef {object} Axis
 * @property {number} size of the input
 * @property {number} kernel
 * @property {number} stride
 * @property {number} padding
 * @property {number} dilation
 * @property {number} output
 * @property {boolean} transposed
 */

const SIDE = 24;
const BAR = 12;
const MOST_CELLS = 48;
const MOST_WINDOWS = 32;

/** @returns {{ root: HTMLElement, show: (axis: Axis | null) => void }} */
export function axisPicture() {
  const caption = h("figcaption");
  const place = h("div", { class: "axis" });
  const root = h("figure", { class: "grid-figure" }, caption, place);

  /** @param {Axis | null} axis null: there is nothing to draw */
  function show(axis) {
    root.hidden = axis === null;
    if (!axis) return;
    const { size, kernel, stride, padding, dilation, output, transposed } = axis;
    const windows = transposed ? size : output;
    const inside = transposed ? output : size;
    const cells = inside + 2 * padding;
    root.hidden = cells > MOST_CELLS || windows > MOST_WINDOWS;
    if (root.hidden) return;
    const height = SIDE + 8 + windows * BAR;
    const drawn = Array.from({ length: cells }, (_, i) => cell(i, i >= padding && i < padding + inside));
    const bars = Array.from({ length: windows }, (_, i) => bar(i, i * stride, kernel, dilation));
    replace(caption, text(transposed ? "layers.geometry.picture-transposed" : "layers.geometry.picture", { windows }));
    replace(
      place,
      svg(
        "svg",
        {
          viewBox: `-1 -1 ${cells * SIDE + 2} ${height + 2}`,
          style: { "max-width": `${cells * SIDE * 1.8}px` },
          role: "img",
          "aria-label": message("layers.geometry.picture-label", { windows, cells }),
        },
        drawn,
        bars,
      ),
    );
  }

  return { root, show };
}

/** @param {number} index @param {boolean} isInside */
function cell(index, isInside) {
  return svg("rect", { class: isInside ? "axis-cell" : "axis-cell outside", x: index * SIDE, y: 0, width: SIDE, height: SIDE });
}

/**
 * A window: its span, and a dot for each number that it takes.
 * @param {number} row @param {number} start @param {number} kernel @param {number} dilation
 */
function bar(row, start, kernel, dilation) {
  const y = SIDE + 8 + row * BAR + BAR / 2;
  const taps = Array.from({ length: kernel }, (_, k) => (start + k * dilation) * SIDE + SIDE / 2);
  return svg(
    "g",
    { class: row % 2 ? "axis-window odd" : "axis-window" },
    svg("line", { x1: taps[0], x2: taps[kernel - 1], y1: y, y2: y }),
    taps.map((x) => svg("circle", { cx: x, cy: y, r: BAR / 3 })),
  );
}
