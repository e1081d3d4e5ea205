/** The Playground tab: its parts, put together. */

import { h, replace } from "../dom.js";
import { message, t, text } from "../locale.js";
import { call, on, onFrame } from "../socket.js";
import { store } from "../store.js";
import { mountDataColumn } from "./data_column.js";
import { listenToKeys } from "./keyboard.js";
import { isOn } from "./link.js";
import { mountNetwork } from "./network.js";
import { mountOutputColumn } from "./output_column.js";
import { pause } from "./player.js";
import { begin, open, select } from "./session.js";
import { mountStatus } from "./status.js";
import { mountTopBar } from "./top_bar.js";

/**
 * What the panels and lessons may use.
 * @typedef {{
 *   store: typeof store, call: typeof call, on: typeof on, onFrame: typeof onFrame,
 *   select: (layer: number | null, unit?: number) => void, openLink: (hash: string) => Promise<boolean>,
 *   notify: (node: Node) => void, t: typeof t, text: typeof text
 * }} Context
 */

/**
 * @param {HTMLElement} root
 * @returns {{ shown: () => void, hidden: () => void }}
 */
export function mount(root) {
  const part = (/** @type {string} */ name, /** @type {string} */ label) =>
    h("section", { class: name, "aria-label": message(label) });
  const status = h("div", { class: "status" });
  const top = part("top-bar", "playground.controls");
  const data = part("data-column card", "playground.data");
  const network = part("network", "playground.network.short");
  const output = part("output-column card", "playground.output");
  const panels = h("section", {
    class: "panels card",
    "aria-label": message("playground.panels"),
    dataset: { control: "panels" },
  });
  replace(
    root,
    h("h1", { class: "visually-hidden" }, text("common.tab.playground")),
    status,
    top,
    h("div", { class: "playground" }, data, network, output),
    panels,
    h("p", { class: "muted small explains keys" }, text("playground.keys")),
  );
  let shown = true;
  const { notify } = mountStatus(status);
  mountTopBar(top);
  mountDataColumn(data);
  mountNetwork(network);
  mountOutputColumn(output);
  listenToKeys(() => shown);
  followDisplay(root);
  /** @type {Context} */
  const context = {
    store,
    call,
    on,
    onFrame,
    notify,
    t,
    text,
    select: (layer, unit) => select(layer === null ? null : [layer, unit ?? 0]),
    openLink: (hash) => open(hash.replace(/^#/, "")),
  };
  begin((sentence) => notify(document.createTextNode(sentence)));
  void import("./panels.js").then(({ mountPanels }) => mountPanels(panels, context));
  return {
    shown: () => (shown = true),
    hidden: () => {
      shown = false;
      pause();
    },
  };
}

/**
 * Hide what the link hides.
 * @param {HTMLElement} root
 */
function followDisplay(root) {
  const apply = () => {
    root.classList.toggle("without-text", isOn(store.display, "hideText"));
    for (const element of root.querySelectorAll("[data-control]")) {
      if (element instanceof HTMLElement) element.hidden = isOn(store.display, `${element.dataset.control}_hide`);
    }
  };
  store.subscribe((what) => (what === "display" || what === "state") && apply());
}
