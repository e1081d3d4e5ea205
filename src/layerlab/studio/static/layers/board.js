/** What the pages share: matrices that belong together, the question to the server, and the light on sources. */

import { h, replace } from "../dom.js";
import { message, onLanguage, t, text } from "../locale.js";
import { arithmetic } from "./arithmetic.js";
import { Refused, asker, worded } from "./api.js";

/** @typedef {import("./api.js").Grid} Grid */
/** @typedef {import("./matrix.js").Editable} Editable */
/** @typedef {import("./matrix.js").Output} Output */
/**
 * @typedef {object} Board
 * @property {HTMLElement} status the problem, if there is one
 * @property {HTMLElement} work the arithmetic of the cell that is pointed at, and the walk's buttons
 * @property {() => void} update ask the server again
 * @property {(name: string, row: number, column: number) => void} point
 * @property {() => void} stop
 */

/** Milliseconds: of one step of the walk, and before the page says that it waits. */
const PACE = 700;
const WAIT = 400;

/**
 * Join inputs, outputs and the server.
 * @param {object} options
 * @param {string} options.page the address under /api/layers/
 * @param {() => object} options.request
 * @param {Record<string, Editable>} options.inputs by the names that the server gives sources
 * @param {() => Record<string, Output>} options.outputs by the names of the answer's grids
 * @param {(answer: any) => void} [options.onanswer]
 * @param {(name: string, row: number, column: number) => void} [options.onpoint]
 * @param {boolean} [options.together] whether pointing at a cell points at the same place of every output
 * @returns {Board}
 */
export function createBoard({ page, request, inputs, outputs, onanswer, onpoint, together = false }) {
  const ask = asker(page);
  const status = h("p", { class: "problem", role: "status", hidden: true });
  const line = h("div", { class: "arithmetic", "aria-live": "polite" });
  const walkButton = h("button", { type: "button", class: "button small", onclick: () => (timer ? stop() : walk()) }, text("layers.walk"));
  const work = h("div", { class: "work" }, walkButton, line);
  /** @type {Record<string, Grid | null>} */
  let grids = {};
  /** @type {[string, number, number] | null} */
  let pointed = null;
  /** @type {HTMLElement[]} */
  let lit = [];
  let timer = 0;
  let delay = 0;
  /** @type {import("./api.js").Problem | null} */
  let problem = null;

  function update() {
    clearTimeout(delay);
    delay = window.setTimeout(send, 15);
  }

  async function send() {
    if (Object.values(inputs).some((input) => !input.valid())) return;
    const late = setTimeout(() => {
      status.hidden = false;
      status.classList.add("waiting");
      status.textContent = t("layers.waiting");
    }, WAIT);
    try {
      const answer = await ask(request());
      problem = null;
      grids = {};
      for (const [name, view] of Object.entries(outputs())) {
        grids[name] = answer[name];
        view.show(answer[name]?.values ?? null);
      }
      onanswer?.(answer);
      if (pointed && !at(...pointed)) pointed = null;
      const [first] = Object.keys(outputs()).filter((name) => grids[name]);
      if (!pointed && first) pointed = [first, 0, 0];
      light();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      problem = error.problem;
      clear();
      replace(line);
    } finally {
      clearTimeout(late);
    }
    tell();
  }

  function tell() {
    status.classList.remove("waiting");
    status.hidden = problem === null;
    status.textContent = problem ? worded(problem) : "";
    for (const view of Object.values(outputs())) view.root.classList.toggle("stale", problem !== null);
  }

  /** @param {string} name @param {number} row @param {number} column */
  function at(name, row, column) {
    return grids[name]?.cells[row]?.[column];
  }

  function clear() {
    for (const cell of lit) cell.classList.remove("source", "weight-source", "pointed", "winner", "target");
    lit = [];
  }

  function light() {
    clear();
    replace(line);
    if (!pointed) return;
    const [name, row, column] = pointed;
    const names = together ? Object.keys(grids).filter((other) => at(other, row, column)) : [name];
    replace(line, names.map((one) => lightOne(one, row, column)));
    onpoint?.(name, row, column);
  }

  /** @param {string} name @param {number} row @param {number} column */
  function lightOne(name, row, column) {
    const cell = at(name, row, column);
    if (!cell) return null;
    const value = /** @type {Grid} */ (grids[name]).values[row][column];
    mark(outputs()[name]?.cell(row, column), "pointed");
    for (const term of cell.terms) {
      mark(inputs[term.source[0]]?.cell(term.source[1], term.source[2]), "source");
      if (cell.operation === "max" && term.value === value) mark(inputs[term.source[0]]?.cell(term.source[1], term.source[2]), "winner");
      if (term.weight_source) mark(inputs[term.weight_source[0]]?.cell(term.weight_source[1], term.weight_source[2]), "weight-source");
    }
    return h("p", null, arithmetic(cell, value));
  }

  /**
   * Show which outputs use a cell of an input, or a weight.
   * @param {string} name @param {number} row @param {number} column
   */
  function trace(name, row, column) {
    const places = Object.values(grids).flatMap((grid) => grid?.cells.flat() ?? []).flatMap(placesOf);
    if (!places.some((place) => place[0] === name)) return;
    clear();
    mark(inputs[name].cell(row, column), "pointed");
    let count = 0;
    for (const [other, grid] of Object.entries(grids)) {
      grid?.cells.forEach((cells, r) =>
        cells.forEach((cell, c) => {
          if (!placesOf(cell).some((place) => place[0] === name && place[1] === row && place[2] === column)) return;
          mark(outputs()[other]?.cell(r, c), "target");
          count += 1;
        }),
      );
    }
    replace(line, h("p", null, text("layers.used-by", { count })));
  }

  for (const [name, input] of Object.entries(inputs)) listen(name, input);

  /** @param {string} name @param {Editable} input */
  function listen(name, input) {
    const follow = (/** @type {Event} */ event) => {
      const cell = event.target instanceof Element ? event.target.closest("td") : null;
      const [row, column] = (cell?.dataset.place ?? "").split(",").map(Number);
      if (cell && Number.isInteger(row) && Number.isInteger(column)) trace(name, row, column);
    };
    input.root.addEventListener("pointerover", follow);
    input.root.addEventListener("focusin", follow);
    input.root.addEventListener("pointerleave", light);
    input.root.addEventListener("focusout", light);
  }

  /** @param {HTMLElement | undefined} cell @param {string} how */
  function mark(cell, how) {
    if (!cell) return;
    cell.classList.add(how);
    lit.push(cell);
  }

  /** @param {string} name @param {number} row @param {number} column */
  function point(name, row, column) {
    if (!at(name, row, column)) return;
    pointed = [name, row, column];
    light();
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    replace(walkButton, text("layers.walk"));
  }

  function walk() {
    const name = pointed?.[0] ?? Object.keys(grids)[0];
    const cells = () => grids[name]?.cells ?? [];
    let place = -1;
    const step = () => {
      const width = cells()[0]?.length ?? 0;
      place += 1;
      if (!width || place >= width * cells().length) return stop();
      point(name, Math.floor(place / width), place % width);
    };
    replace(walkButton, text("layers.halt"));
    timer = window.setInterval(step, PACE);
    step();
  }

  walkButton.setAttribute("data-walk", page);
  const forget = onLanguage(() => {
    tell();
    light();
  });
  return { status, work, update, point, stop: () => (forget(), stop()) };
}

/** @param {import("./api.js").Cell} cell */
function placesOf(cell) {
  return cell.terms.flatMap((term) => (term.weight_source ? [term.source, term.weight_source] : [term.source]));
}

/**
 * A figure with a sign between two grids.
 * @param {string} sign
 * @param {string} [key] of its spoken name
 */
export function between(sign, key) {
  return h("span", { class: "between", role: key ? "img" : "presentation", "aria-label": key ? message(key) : null }, sign);
}
