/** A convolution drawn as the fully connected layer that it is a part of: a row for each output, a column for each input. */

import { h, replace, svg } from "../dom.js";
import { message, text } from "../locale.js";

/** @typedef {import("./api.js").Grid} Grid */

const MOST = 3000;
const SIDE = 12;

/**
 * The picture of the large weight matrix; most of it is zeros, and the same few weights stand in every row.
 * @returns {{ root: HTMLElement, show: (grid: Grid, inputs: [number, number]) => void, point: (row: number, column: number) => void }}
 */
export function wiring() {
  const place = h("div", { class: "wiring" });
  const root = h("figure", { class: "grid-figure" }, h("figcaption", null, text("layers.convolution.wiring")), place);
  let width = 1;
  /** @type {SVGGElement[]} */
  let rows = [];

  /** @param {Grid} grid @param {[number, number]} inputs */
  function show(grid, [height, columns]) {
    const cells = grid.cells.flat();
    const count = height * columns;
    width = grid.cells[0].length;
    root.hidden = cells.length * count > MOST;
    rows = [];
    if (root.hidden) return;
    const most = Math.max(1e-12, ...cells.flatMap((cell) => cell.terms.map((term) => Math.abs(term.weight ?? 0))));
    rows = cells.map((cell, index) => {
      const inside = cell.terms.filter(({ source: [, r, c] }) => r >= 0 && r < height && c >= 0 && c < columns);
      const used = inside.map((term) => square(term.source[1] * columns + term.source[2], index, term.weight ?? 0, most));
      return svg("g", null, svg("rect", { class: "wiring-row", x: 0, y: index * SIDE, width: count * SIDE, height: SIDE }), used);
    });
    replace(
      place,
      svg(
        "svg",
        {
          viewBox: `0 0 ${count * SIDE} ${cells.length * SIDE}`,
          style: { "max-width": `${count * SIDE * 1.6}px` },
          role: "img",
          "aria-label": message("layers.convolution.wiring-label", { rows: cells.length, columns: count }),
        },
        rows,
      ),
    );
  }

  /** @param {number} row @param {number} column */
  function point(row, column) {
    rows.forEach((line, index) => line.classList.toggle("pointed", index === row * width + column));
  }

  return { root, show, point };
}

/** @param {number} column @param {number} row @param {number} weight @param {number} most */
function square(column, row, weight, most) {
  const sign = weight > 0 ? "positive" : weight < 0 ? "negative" : "zero";
  const strength = String(0.35 + 0.65 * (Math.abs(weight) / most));
  return svg("rect", { class: `wiring-weight ${sign}`, x: column * SIDE + 1, y: row * SIDE + 1, width: SIDE - 2, height: SIDE - 2, style: { opacity: strength } });
}
