/** Matrices on the page: editable ones that are typed into, and outputs whose cells can be pointed at. */

import { h, replace } from "../dom.js";
import { formatNumber, message, text } from "../locale.js";

/** @typedef {[[number, number], [number, number]]} Padding before and after, of the rows and of the columns */
/**
 * @typedef {object} Editable
 * @property {HTMLElement} root
 * @property {() => number[][]} values
 * @property {(values: number[][]) => void} set
 * @property {(padding: Padding) => void} pad show so many zeros around
 * @property {(row: number, column: number) => HTMLElement | undefined} cell also of the padding
 * @property {() => boolean} valid
 */
/**
 * @typedef {object} Output
 * @property {HTMLElement} root
 * @property {(values: number[][] | null) => void} show null: there is none
 * @property {(row: number, column: number) => HTMLElement | undefined} cell
 * @property {() => [number, number]} size
 */

/**
 * Read a number as people of either language type it.
 * @param {string} typed
 * @returns {number} NaN where it is none
 */
export function readNumber(typed) {
  const plain = typed.trim().replace(",", ".").replace("−", "-");
  return plain === "" ? NaN : Number(plain);
}

/**
 * A matrix to type into: arrows, Enter and Tab move from cell to cell.
 * @param {{ label: string, values: number[][], onchange: () => void, labelValues?: Record<string, string | number> }} options
 * @returns {Editable}
 */
export function editable({ label, values, onchange, labelValues }) {
  let numbers = values.map((row) => [...row]);
  /** @type {Padding} */
  let padding = [[0, 0], [0, 0]];
  /** @type {Map<string, HTMLElement>} */
  const cells = new Map();
  const table = h("table", { class: "matrix", "aria-label": message(label, labelValues) });
  const root = h("figure", { class: "grid-figure" }, h("figcaption", null, text(label, labelValues)), table);
  table.addEventListener("keydown", (event) => moved(event, cells, "input"));

  function build() {
    cells.clear();
    const [[top, bottom], [left, right]] = padding;
    const [height, width] = [numbers.length, numbers[0].length];
    const rows = [];
    for (let r = -top; r < height + bottom; r++) {
      const line = [];
      for (let c = -left; c < width + right; c++) {
        const inside = r >= 0 && r < height && c >= 0 && c < width;
        const dataset = { place: `${r},${c}` };
        const cell = inside ? h("td", { dataset }, input(r, c)) : h("td", { class: "padding", dataset }, "0");
        cells.set(`${r},${c}`, cell);
        line.push(cell);
      }
      rows.push(h("tr", null, line));
    }
    replace(table, h("tbody", null, rows));
  }

  /** @param {number} r @param {number} c */
  function input(r, c) {
    const field = h("input", {
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      "aria-label": message("layers.cell", { row: r + 1, column: c + 1 }),
    });
    field.value = formatNumber(numbers[r][c], { maximumSignificantDigits: 7, useGrouping: false });
    field.addEventListener("focus", () => field.select());
    field.addEventListener("input", () => {
      const value = readNumber(field.value);
      const good = Number.isFinite(value) && Math.abs(value) <= 1e6;
      field.setAttribute("aria-invalid", String(!good));
      if (!good) return;
      numbers[r][c] = value;
      onchange();
    });
    return field;
  }

  build();
  return {
    root,
    values: () => numbers.map((row) => [...row]),
    set(next) {
      numbers = next.map((row) => [...row]);
      build();
    },
    pad(next) {
      if (JSON.stringify(next) === JSON.stringify(padding)) return;
      const focused = [...cells].find(([, cell]) => cell.contains(document.activeElement))?.[0];
      padding = next;
      build();
      if (focused) cells.get(focused)?.querySelector("input")?.focus();
    },
    cell: (row, column) => cells.get(`${row},${column}`),
    valid: () => !table.querySelector("[aria-invalid=true]"),
  };
}

/**
 * A matrix to look at; hovering or focusing a cell points at it.
 * @param {{ label: string, onpoint: (row: number, column: number) => void, onleave: () => void }} options
 * @returns {Output}
 */
export function output({ label, onpoint, onleave }) {
  /** @type {Map<string, HTMLElement>} */
  const cells = new Map();
  /** @type {[number, number]} */
  let size = [0, 0];
  const table = h("table", { class: "matrix output", "aria-label": message(label) });
  const root = h("figure", { class: "grid-figure" }, h("figcaption", null, text(label)), table);
  table.addEventListener("keydown", (event) => moved(event, cells, "td"));
  table.addEventListener("mouseleave", onleave);

  return {
    root,
    show(values) {
      root.hidden = values === null;
      if (values === null) return;
      const same = size[0] === values.length && size[1] === values[0].length;
      if (same) {
        values.forEach((row, r) => row.forEach((value, c) => fill(/** @type {HTMLElement} */ (cells.get(`${r},${c}`)), value)));
        return;
      }
      size = [values.length, values[0].length];
      cells.clear();
      const rows = values.map((row, r) => h("tr", null, row.map((value, c) => {
        const cell = h("td", { tabindex: r || c ? -1 : 0, onmouseenter: () => onpoint(r, c), onfocus: () => onpoint(r, c) });
        cells.set(`${r},${c}`, cell);
        fill(cell, value);
        return cell;
      })));
      replace(table, h("tbody", null, rows));
    },
    cell: (row, column) => cells.get(`${row},${column}`),
    size: () => size,
  };
}

/** @param {HTMLElement} cell @param {number} value */
function fill(cell, value) {
  const written = formatNumber(value);
  if (cell.textContent === written) return;
  cell.textContent = written;
}

/**
 * Let the arrow keys walk through the cells.
 * @param {KeyboardEvent} event
 * @param {Map<string, HTMLElement>} cells
 * @param {"input" | "td"} what
 */
function moved(event, cells, what) {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const target = event.target;
  if (!step || !(target instanceof HTMLElement)) return;
  if (target instanceof HTMLInputElement && step[1] !== 0) {
    const edge = step[1] < 0 ? 0 : target.value.length;
    const all = target.selectionStart === 0 && target.selectionEnd === target.value.length;
    if (!all && (target.selectionStart !== edge || target.selectionEnd !== edge)) return;
  }
  const from = [...cells].find(([, cell]) => cell.contains(target))?.[0].split(",").map(Number);
  const next = from && cells.get(`${from[0] + step[0]},${from[1] + step[1]}`);
  const focusable = what === "td" ? next : next?.querySelector("input");
  if (!focusable) return;
  event.preventDefault();
  if (what === "td") {
    target.tabIndex = -1;
    focusable.tabIndex = 0;
  }
  focusable.focus();
}
