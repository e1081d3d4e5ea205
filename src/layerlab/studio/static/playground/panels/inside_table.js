/** Every link's numbers as a table: what the picture shows, for large networks and for those who read it aloud. */

import { h } from "../../dom.js";
import { message, text } from "../../locale.js";
import { sourceName, unitName } from "../names.js";
import { brief } from "./numbers.js";
import { allPlaces, pieceAt } from "./trace.js";

/** @typedef {import("./trace.js").Trace} Trace */
/** @typedef {import("./trace.js").Place} Place */
/** @typedef {import("../../store.js").State} State */

const COLUMNS = ["source", "unit", "weight", "input", "product", "gradient"];

/**
 * The table of one layer's links.
 * @param {State} state
 * @param {Trace} trace
 * @param {Place} chosen whose layer is shown
 * @param {(place: Place) => void} choose
 * @returns {HTMLElement}
 */
export function linkTable(state, trace, chosen, choose) {
  const places = allPlaces(trace, true).filter(({ layer }) => layer === chosen.layer);
  return h(
    "div",
    { class: "scroll-x link-table" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, COLUMNS.map((name) => h("th", { scope: "col" }, text(`panels.inside.column.${name}`))))),
      h("tbody", null, places.map((place) => row(state, trace, place, chosen, choose))),
    ),
  );
}

/**
 * @param {State} state
 * @param {Trace} trace
 * @param {Place} place
 * @param {Place} chosen
 * @param {(place: Place) => void} choose
 */
function row(state, trace, place, chosen, choose) {
  const piece = pieceAt(trace, place);
  const link = place.source < 0 ? null : piece.links[place.source];
  const isChosen = place.unit === chosen.unit && place.piece === chosen.piece && place.source === chosen.source;
  const numbers = link ? [link.weight, link.input, link.product, link.gradient] : [piece.bias, 1, piece.bias, piece.bias_gradient];
  const pieces = trace.layers[place.layer].units[place.unit].pieces.length;
  const from = sourceName(state, place.layer, place.source);
  const to = `${unitName(state, place.layer, place.unit)}${pieces > 1 ? ` (${place.piece + 1})` : ""}`;
  return h(
    "tr",
    { class: isChosen ? "chosen" : null },
    h("td", null, h("button", { type: "button", class: "button small", "aria-pressed": String(isChosen), "aria-label": message("panels.inside.choose", { from, to }), onclick: () => choose(place) }, from)),
    h("td", null, to),
    numbers.map((value) => h("td", { class: "number" }, brief(value))),
  );
}
