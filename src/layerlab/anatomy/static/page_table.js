/** The table of the layers as a tree: rows open and close, one is selected, a search leaves those that match. */

import { make } from "./page_panel.js";

/**
 * @typedef {object} LayerRow one layer; where there are two figures, the whole layer's and its own
 * @property {string} path
 * @property {string} number
 * @property {string} kind
 * @property {number} depth
 * @property {boolean} used
 * @property {string} output
 * @property {[number, number]} parameters
 * @property {[number, number]} macs
 * @property {[string, string]} memory
 * @property {string} field
 * @property {string} stride
 * @property {boolean} shared
 */
/**
 * @typedef {object} LayerTable
 * @property {(path: string) => void} select a row, opening those around it, without telling anybody
 * @property {(text: string) => number} search how many were found; all rows for no text
 * @property {() => string | null} first the path of the first row found
 * @property {(words: Record<string, string>, locale: string) => void} relabel
 */

const COLUMNS = ["layer", "kind", "output", "parametersLabel", "macsLabel", "memory", "field", "stride"];

/**
 * @param {HTMLElement} root
 * @param {LayerRow[]} layers the network itself first, then parents before their children
 * @param {string[]} open paths of the rows that are open
 * @param {{ parameters: number, macs: number, outputs: string }} total
 * @param {(path: string) => void} onselect
 * @returns {LayerTable}
 */
export function layerTable(root, layers, open, total, onselect) {
  const opened = new Set(open);
  const numbered = layers.some((layer) => layer.number);
  const index = new Map(layers.map((layer, at) => [layer.path, at]));
  const parents = findParents(layers);
  const holds = new Set(parents);
  /** @type {Set<number> | null} */
  let matching = null;
  /** @type {number[]} */
  let found = [];
  let selected = -1;
  let current = 0;
  /** @type {Record<string, string>} */
  let words = {};
  let locale = "en";

  const head = make("tr");
  const body = make("tbody");
  const foot = make("tr");
  const table = make("table", { role: "treegrid" }, make("thead", {}, head), body, make("tfoot", {}, foot));
  const rows = layers.map((layer, at) => {
    const name = layer.path ? layer.path.slice(layer.path.lastIndexOf(".") + 1) : layer.kind;
    const row = make("tr", { role: "row", tabindex: "-1", "data-row": String(at), title: layer.path });
    row.setAttribute("aria-level", String(layer.depth + 1));
    row.setAttribute("aria-selected", "false");
    if (!layer.used) row.classList.add("unused");
    const arrow = make("span", { class: "arrow", "aria-hidden": "true" }, holds.has(at) ? "▸" : "");
    const first = make("th", { scope: "row", class: "name", role: "rowheader" }, arrow, make("bdi", {}, name));
    first.style.setProperty("padding-left", `${layer.depth * 1.1 + 0.3}em`);
    if (numbered) row.append(cell(layer.number, "number"));
    row.append(first, cell(layer.kind, "kind"), cell(layer.output));
    row.append(...Array.from({ length: 3 }, () => cell("")), cell(layer.field), cell(layer.stride));
    body.append(row);
    return row;
  });
  root.append(table);

  /** Show, hide and fill the rows as they are open. */
  function update() {
    layers.forEach((layer, at) => {
      const row = rows[at];
      const parent = parents[at];
      const shown = matching ? matching.has(at) : parent < 0 || (isOpen(parent) && !rows[parent].hidden);
      row.hidden = !shown;
      const isItsOwn = isOpen(at);
      if (holds.has(at)) row.setAttribute("aria-expanded", String(isItsOwn));
      const which = isItsOwn ? 1 : 0;
      const cells = row.cells;
      const start = (numbered ? 1 : 0) + 3;
      cells[start].textContent = layer.shared ? words.shared : count(layer.parameters[which]);
      cells[start + 1].textContent = count(layer.macs[which]);
      cells[start + 2].textContent = layer.memory[which].replace(".", words.decimal);
    });
    if (rows[current].hidden) stop(rows.findIndex((row) => !row.hidden));
  }

  /** @param {number} at */
  function isOpen(at) {
    return holds.has(at) && (matching !== null || opened.has(layers[at].path));
  }

  /** @param {number} number */
  function count(number) {
    return number ? number.toLocaleString(locale) : "-";
  }

  /** @param {number} at */
  function stop(at) {
    rows[current].tabIndex = -1;
    current = Math.max(0, at);
    rows[current].tabIndex = 0;
  }

  /** @param {number} at */
  function mark(at) {
    if (selected >= 0) rows[selected].setAttribute("aria-selected", "false");
    selected = at;
    if (at >= 0) rows[at].setAttribute("aria-selected", "true");
  }

  /** @param {number} at @param {boolean} [wanted] */
  function turn(at, wanted = !opened.has(layers[at].path)) {
    if (!holds.has(at)) return;
    if (wanted) opened.add(layers[at].path);
    else opened.delete(layers[at].path);
    update();
  }

  /** @param {EventTarget | null} target */
  function rowOf(target) {
    const row = target instanceof Element ? target.closest("[data-row]") : null;
    return row instanceof HTMLElement ? Number(row.dataset.row) : -1;
  }

  /** @param {number} at @param {1 | -1} way */
  function neighbour(at, way) {
    let next = at + way;
    while (rows[next]?.hidden) next += way;
    return rows[next] ? next : at;
  }

  /** Scroll the table, and not the page, until a row is seen. @param {HTMLElement} row */
  function reveal(row) {
    const [inner, outer] = [row.getBoundingClientRect(), root.getBoundingClientRect()];
    const top = outer.top + head.getBoundingClientRect().height;
    if (inner.top < top) root.scrollTop += inner.top - top;
    else if (inner.bottom > outer.bottom) root.scrollTop += inner.bottom - outer.bottom;
  }

  body.addEventListener("click", (event) => {
    const at = rowOf(event.target);
    if (at < 0) return;
    stop(at);
    if (event.target instanceof Element && event.target.closest(".arrow")) return turn(at);
    mark(at);
    onselect(layers[at].path);
  });
  body.addEventListener("dblclick", (event) => {
    const at = rowOf(event.target);
    if (at >= 0) turn(at);
  });
  body.addEventListener("keydown", (event) => {
    const at = rowOf(event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    let next = at;
    if (event.key === "ArrowDown") next = neighbour(at, 1);
    else if (event.key === "ArrowUp") next = neighbour(at, -1);
    else if (event.key === "Home") next = neighbour(-1, 1);
    else if (event.key === "End") next = neighbour(rows.length, -1);
    else if (event.key === "ArrowRight") {
      if (isOpen(at)) next = neighbour(at, 1);
      else turn(at, true);
    } else if (event.key === "ArrowLeft") {
      if (isOpen(at) && !matching) turn(at, false);
      else if (parents[at] >= 0) next = parents[at];
    } else if (event.key === "Enter" || event.key === " ") {
      mark(at);
      onselect(layers[at].path);
    } else return;
    event.preventDefault();
    stop(next);
    rows[next].focus();
  });

  return {
    select(path) {
      const at = index.get(path) ?? -1;
      mark(at);
      if (at < 0) return;
      for (let around = parents[at]; around >= 0; around = parents[around]) opened.add(layers[around].path);
      update();
      stop(at);
      reveal(rows[at]);
    },
    search(text) {
      const wanted = text.trim().toLowerCase();
      matching = wanted ? new Set() : null;
      found = [];
      layers.forEach((layer, at) => {
        const hit = wanted !== "" && `${layer.path}\n${layer.kind}`.toLowerCase().includes(wanted);
        rows[at].classList.toggle("hit", hit);
        if (!hit) return;
        found.push(at);
        for (let around = at; around >= 0; around = parents[around]) matching?.add(around);
      });
      update();
      return found.length;
    },
    first: () => (found.length ? layers[found[0]].path : null),
    relabel(next, nextLocale) {
      words = next;
      locale = nextLocale;
      table.setAttribute("aria-label", words.tableTitle);
      const names = COLUMNS.map((name) => make("th", { scope: "col", class: name }, words[name]));
      head.replaceChildren(...(numbered ? [make("th", { scope: "col", class: "number" }, "#")] : []), ...names);
      const outputs = total.outputs.replace(".", words.decimal);
      const sums = ["", count(total.parameters), count(total.macs), outputs, "", ""].map((text) => cell(text));
      const first = make("th", { scope: "row", class: "name" }, words.total);
      foot.replaceChildren(...(numbered ? [cell("", "number")] : []), first, cell(""), ...sums);
      update();
    },
  };
}

/**
 * The row of each layer's parent, or -1.
 * @param {LayerRow[]} layers
 * @returns {number[]}
 */
function findParents(layers) {
  /** @type {number[]} */
  const way = [];
  return layers.map((layer, at) => {
    way.length = layer.depth;
    way[layer.depth] = at;
    return layer.depth ? (way[layer.depth - 1] ?? -1) : -1;
  });
}

/**
 * @param {string} text
 * @param {string} [name]
 */
function cell(text, name) {
  return make("td", name ? { class: name, role: "gridcell" } : { role: "gridcell" }, text);
}
