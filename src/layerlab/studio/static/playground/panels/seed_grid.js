/** The decision maps of many seeds, each a button that opens its seed. */

import * as colours from "../../colours.js";
import { h, replace } from "../../dom.js";
import { message, onLanguage, text } from "../../locale.js";
import { store } from "../../store.js";
import { brief } from "./numbers.js";

/** @typedef {import("./seed_results.js").SeedResults} SeedResults */
/** @typedef {{ button: HTMLButtonElement, canvas: HTMLCanvasElement, loss: HTMLElement, name: string }} Cell */

/**
 * Make the grid.
 * @param {{ open: (index: number) => void, point: (index: number | null) => void }} actions `point` tells which is
 *   pointed at or focused
 * @returns {{ element: HTMLElement, draw: (results: SeedResults, order: number[], which: "train" | "test") => void }}
 */
export function seedGrid({ open, point }) {
  const element = h("div", { class: "seed-grid", role: "group", "aria-label": message("panels.seeds.grid") });
  /** @type {Cell[]} */
  let cells = [];
  /** @type {{ results: SeedResults, order: number[], which: "train" | "test" } | null} */
  let last = null;
  const redraw = () => last && draw(last.results, last.order, last.which);
  colours.onColours(redraw);
  onLanguage(redraw);

  /**
   * @param {SeedResults} results
   * @param {number[]} order
   * @param {"train" | "test"} which
   */
  function draw(results, order, which) {
    last = { results, order, which };
    if (cells.length !== results.seeds.length || cells.some((cell, i) => cell.name !== results.seeds[i].name)) {
      cells = results.seeds.map((seed, i) => makeCell(seed.name, i, results.side));
    }
    cells.forEach((cell, i) => fillCell(cell, results, i, which));
    const wanted = order.map((i) => cells[i].button);
    if (wanted.some((button, i) => element.children[i] !== button) || element.children.length !== wanted.length) replace(element, wanted);
  }

  /**
   * @param {string} name
   * @param {number} index
   * @param {number} side
   * @returns {Cell}
   */
  function makeCell(name, index, side) {
    const canvas = h("canvas", { width: side, height: side, "aria-hidden": "true" });
    const loss = h("span", { class: "seed-loss" });
    const button = h(
      "button",
      {
        type: "button",
        class: "seed-cell",
        onclick: () => open(index),
        onpointerenter: () => point(index),
        onpointerleave: () => point(null),
        onfocus: () => point(index),
        onblur: () => point(null),
      },
      canvas,
      h("span", { class: "seed-name" }, text("panels.seeds.seed", { seed: name })),
      loss,
    );
    return { button, canvas, loss, name };
  }
  return { element, draw };
}

/**
 * @param {Cell} cell
 * @param {SeedResults} results
 * @param {number} index
 * @param {"train" | "test"} which
 */
function fillCell(cell, { seeds, maps, side }, index, which) {
  const context = cell.canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(side, side);
  colours.paint(image, maps, table(), index * side * side);
  context.putImageData(image, 0, 0);
  const { final, diverged, epoch } = seeds[index];
  cell.button.classList.toggle("diverged", diverged);
  cell.button.disabled = epoch.length === 0;
  cell.loss.textContent = epoch.length === 0 ? "–" : diverged ? "∞" : brief(final[which]);
}

/** The table for the maps as the server paints them: the value of two classes, the index of more. */
function table() {
  const classes = store.state?.specification.problem === "classification" ? store.state.specification.classes : 2;
  if (classes === 2) return colours.lookup(store.display.discretize === "true");
  const all = colours.classLookup(classes);
  return Uint32Array.from({ length: 256 }, (_, index) => all[Math.min(index, classes - 1) * 256 + 200]);
}
