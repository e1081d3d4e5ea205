/** The layers as a table, so many levels deep; a row opens the layer's arithmetic. */

import { h, replace } from "../dom.js";
import { formatNumber, message, onLanguage, text } from "../locale.js";
import { asker } from "./api.js";
import { short } from "./figures.js";

/** @typedef {import("./api.js").Network} Network */
/** @typedef {import("./api.js").Rows} Rows */

const COLUMNS = ["layer", "kind", "output", "parameters", "macs"];

/**
 * @param {{ onselect: (path: string) => void }} options
 * @returns {{ root: HTMLElement, show: (network: Network) => Promise<void>, select: (path: string | null) => void }}
 */
export function tableView({ onselect }) {
  const ask = asker("table");
  const depth = h("select", { onchange: () => network && void show(network).catch(() => {}) }); // the next figures will say why
  const body = h("tbody");
  const head = h("tr", null, COLUMNS.map((name) => h("th", { scope: "col", class: name }, text(`architectures.column.${name}`))));
  const table = h("table", { class: "layer-table", "aria-label": message("architectures.view.table") }, h("thead", null, head), body);
  const root = h("div", { class: "table-view" }, h("label", { class: "field inline" }, h("span", null, text("architectures.depth")), depth), h("div", { class: "scroll" }, table));
  /** @type {Network | null} */
  let network = null;
  /** @type {Rows | null} */
  let rows = null;
  /** @type {string | null} */
  let selected = null;

  function draw() {
    if (!rows) return;
    const chosen = depth.value;
    replace(depth, h("option", { value: "" }, text("architectures.depth.readable")), Array.from({ length: rows.deepest }, (_, i) => h("option", { value: i + 1 }, formatNumber(i + 1))));
    depth.value = chosen;
    replace(body, rows.lines.map((line) => {
      const name = h("button", { type: "button", class: "linklike", onclick: () => onselect(line.path) }, line.name);
      return h(
        "tr",
        { dataset: { path: line.path }, class: line.opened ? "opened" : null },
        h("th", { scope: "row", style: { "padding-inline-start": `${0.4 + line.depth * 1.1}rem` } }, name, line.repeats > 1 ? ` ×${line.repeats}` : ""),
        h("td", null, line.kind),
        h("td", { class: "size" }, line.output),
        h("td", { class: "number" }, line.parameters ? formatNumber(line.parameters) : ""),
        h("td", { class: "number", title: formatNumber(line.macs) }, line.macs ? short(line.macs) : ""),
      );
    }));
    select(selected);
  }

  /** @param {Network} asked */
  async function show(asked) {
    network = asked;
    rows = await ask({ network: asked, depth: depth.value === "" ? null : Number(depth.value) });
    draw();
  }

  /** @param {string | null} path */
  function select(path) {
    selected = path;
    for (const row of body.rows) row.classList.toggle("selected", path !== null && row.dataset.path === path);
  }

  onLanguage(draw);
  return { root, show, select };
}
