/** Sliders and choices of the Layers pages. */

import { h } from "../dom.js";
import { formatNumber, message, onLanguage, text } from "../locale.js";

/** @typedef {{ root: HTMLElement, value: () => number, set: (value: number) => void, limit: (max: number) => void }} Slider */

/**
 * A slider with its value beside its name.
 * @param {{ label: string, min: number, max: number, step?: number, value: number, onchange: () => void, shown?: (value: number) => string }} options
 * @returns {Slider}
 */
export function slider({ label, min, max, step = 1, value, onchange, shown = (number) => formatNumber(number) }) {
  const input = h("input", { type: "range", min, max, step, "aria-label": message(label) });
  input.value = String(value);
  const said = h("span", { class: "slider-value" }, shown(value));
  const tell = () => {
    said.textContent = shown(Number(input.value));
  };
  input.addEventListener("input", () => {
    tell();
    onchange();
  });
  onLanguage(tell);
  return {
    root: h("label", { class: "field slider" }, h("span", { class: "slider-label" }, text(label), said), input),
    value: () => Number(input.value),
    set(next) {
      input.value = String(next);
      tell();
    },
    limit(most) {
      input.max = String(most);
      tell();
    },
  };
}

/**
 * A drop-down of choices.
 * @param {{ label: string, choices: string[], prefix: string, value: string, onchange: () => void }} options prefix: of the texts' keys
 * @returns {{ root: HTMLElement, value: () => string, set: (value: string) => void }}
 */
export function choice({ label, choices, prefix, value, onchange }) {
  const select = h("select", { onchange }, choices.map((name) => h("option", { value: name }, text(`${prefix}${name}`))));
  select.value = value;
  return {
    root: h("label", { class: "field" }, h("span", null, text(label)), select),
    value: () => select.value,
    set: (next) => {
      select.value = next;
    },
  };
}

/**
 * A button.
 * @param {string} label
 * @param {() => void} onclick
 */
export function button(label, onclick) {
  return h("button", { type: "button", class: "button", onclick }, text(label));
}

/**
 * A matrix of another size that keeps the numbers that fit.
 * @param {number[][]} values
 * @param {number} rows
 * @param {number} columns
 * @param {(row: number, column: number) => number} fresh
 * @returns {number[][]}
 */
export function resized(values, rows, columns, fresh) {
  return Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => values[r]?.[c] ?? fresh(r, c)));
}
