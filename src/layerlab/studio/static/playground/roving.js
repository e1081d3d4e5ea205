/** Arrow keys among the nodes: one stop of the Tab key, then up and down a layer, left and right between layers. */

/**
 * @param {HTMLElement} overlay holds elements with `data-node`: a feature's name, or "layer.unit"
 */
export function roam(overlay) {
  overlay.addEventListener("keydown", (event) => {
    const holder = event.target instanceof Element ? event.target.closest("[data-node]") : null;
    const columns = columnsOf(overlay);
    const column = columns.findIndex((nodes) => nodes.includes(/** @type {HTMLElement} */ (holder)));
    if (column < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = columns[column].indexOf(/** @type {HTMLElement} */ (holder));
    const sideways = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const vertical = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!sideways && !vertical) return;
    event.preventDefault();
    const nodes = columns[Math.min(columns.length - 1, Math.max(0, column + (sideways ?? 0)))];
    const next = nodes[Math.min(nodes.length - 1, Math.max(0, row + (vertical ?? 0)))];
    next.querySelector("button")?.focus();
  });
  overlay.addEventListener("focusin", (event) => stopAt(overlay, event.target));
}

/**
 * Make one node the stop of the Tab key.
 * @param {HTMLElement} overlay
 * @param {EventTarget | null} [target] by default the first
 */
export function stopAt(overlay, target = overlay.querySelector(".node")) {
  if (!(target instanceof HTMLElement) || !target.classList.contains("node")) return;
  for (const node of overlay.querySelectorAll(".node")) node.setAttribute("tabindex", node === target ? "0" : "-1");
}

/**
 * @param {HTMLElement} overlay
 * @returns {HTMLElement[][]} the features, then the units of each layer
 */
function columnsOf(overlay) {
  /** @type {Map<string, HTMLElement[]>} */
  const columns = new Map();
  for (const holder of overlay.querySelectorAll("[data-node]")) {
    if (!(holder instanceof HTMLElement)) continue;
    const name = holder.dataset.node ?? "";
    const column = name.includes(".") ? name.split(".")[0] : "features";
    columns.set(column, [...(columns.get(column) ?? []), holder]);
  }
  return [...columns.values()];
}
