/** The editor of weights and biases: live values, typed over, each with its freeze switch. */

import { h } from "../dom.js";
import { message, t, text } from "../locale.js";
import { store } from "../store.js";
import { sourceName, unitName } from "./names.js";
import { closePopover, openPopover } from "./popover.js";
import { request, send } from "./session.js";

/** @typedef {import("../store.js").State} State */
/** @typedef {HTMLElement | { x: number, y: number }} Anchor */
/** @typedef {{ anchor: Anchor, layer: number, unit: number, sources: number[] }} Edited */

/**
 * Open the editor of some of a unit's weights.
 * @param {Edited} edited `sources`: -1 is the bias
 */
export function openEditor({ anchor, layer, unit, sources }) {
  const state = store.state;
  if (!state) return;
  const { pieces } = state.network.layers[layer];
  const shape = JSON.stringify(state.network);
  const rows = sources.map((source) => row(state, layer, unit, source, pieces));
  const title = h("h3", null, unitName(state, layer, unit));
  const table = h(
    "table",
    { class: "editor" },
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        h("th", { scope: "col" }, text("playground.editor.source")),
        h(
          "th",
          { scope: "col", colspan: String(pieces) },
          text(pieces > 1 ? "playground.editor.values" : "playground.editor.value"),
        ),
        h("th", { scope: "col" }, text("playground.editor.frozen")),
      ),
    ),
    h(
      "tbody",
      null,
      rows.map((entry) => entry.element),
    ),
  );
  for (const entry of rows) entry.refresh(true);
  const forget = store.subscribe((what) => {
    if (what === "frame") rows.forEach((entry) => entry.refresh());
    else if (what === "state" && store.state && JSON.stringify(store.state.network) !== shape) closePopover();
  });
  openPopover(
    anchor,
    message("playground.editor.label", { name: unitName(state, layer, unit) }),
    [title, h("div", { class: "editor-scroll" }, table)],
    forget,
  );
}

/**
 * @param {State} state
 * @param {number} layer
 * @param {number} unit
 * @param {number} source
 * @param {number} pieces
 */
function row(state, layer, unit, source, pieces) {
  const name = sourceName(state, layer, source);
  const places = Array.from({ length: pieces }, (_, piece) => placeOf(state, layer, unit, source, piece));
  const fields = places.map((_, piece) => {
    const label = message("playground.editor.field", { name: pieces > 1 ? `${name} (${piece + 1})` : name });
    const input = h("input", { type: "number", step: "any", "aria-label": label });
    let held = "";
    input.addEventListener("focus", () => (held = input.value));
    const commit = () => {
      if (input.value === held) return;
      const value = input.valueAsNumber;
      if (!Number.isFinite(value)) {
        input.value = held;
        return;
      }
      held = input.value;
      void send("edit", { layer, unit, source, piece, value });
    };
    input.addEventListener("change", commit);
    input.addEventListener("keydown", (event) => {
      const by = event.shiftKey ? 1 : 0.1;
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      input.value = String(Number((input.valueAsNumber + (event.key === "ArrowUp" ? by : -by)).toFixed(6)));
      commit();
    });
    return input;
  });
  const freeze = h("input", { type: "checkbox", "aria-label": message("playground.editor.freeze", { name }) });
  freeze.addEventListener("change", () => void request("freeze", { layer, unit, source, frozen: freeze.checked }));
  const note = h("span", { class: "muted small", hidden: true }, text("playground.editor.dead"));
  const refresh = (always = false) => {
    const arrays = store.frame?.arrays;
    if (!arrays) return;
    const values = source < 0 ? arrays.biases : arrays.weights;
    fields.forEach((input, piece) => {
      if (always || document.activeElement !== input) input.value = shown(values[places[piece]]);
    });
    const flags = source < 0 ? arrays.frozen_biases : arrays.frozen;
    if (document.activeElement !== freeze && flags) freeze.checked = flags[places[0]] !== 0;
    note.hidden = source < 0 || !arrays.dead?.[places[0]];
  };
  const element = h(
    "tr",
    null,
    h("th", { scope: "row" }, name),
    fields.map((input) => h("td", null, input)),
    h("td", null, freeze, " ", note),
  );
  return { element, refresh };
}

/**
 * The index of a weight in the frame's flat weights, or of a bias in its flat biases.
 * @param {State} state
 * @param {number} layer
 * @param {number} unit
 * @param {number} source
 * @param {number} piece
 * @returns {number}
 */
function placeOf(state, layer, unit, source, piece) {
  const shapes = state.network.layers;
  const own = shapes[layer];
  const before = shapes.slice(0, layer);
  if (source < 0) return before.reduce((sum, shape) => sum + shape.units * shape.pieces, 0) + unit * own.pieces + piece;
  const start = before.reduce((sum, shape) => sum + shape.units * shape.pieces * shape.inputs, 0);
  return start + (unit * own.pieces + piece) * own.inputs + source;
}

/** @param {number | undefined} value */
function shown(value) {
  return value === undefined ? "" : String(Number(value.toPrecision(5)));
}
