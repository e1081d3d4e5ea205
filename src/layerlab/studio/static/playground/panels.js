/** The strip of panels below the network: each is loaded when it is first opened, and stays as it was left. */

import { h, replace } from "../dom.js";
import { message, text } from "../locale.js";
import { recall, remember } from "../preferences.js";
import { mountDivergence } from "./panels/divergence.js";

/** @typedef {import("./panels/parts.js").Context} Context */
/** @typedef {import("./panels/parts.js").Panel} Panel */
/** @typedef {{ mount: (root: HTMLElement, context: Context) => Panel }} PanelModule */

/** @type {Record<string, () => Promise<PanelModule>>} */
const PANELS = {
  seeds: () => import("./panels/seeds.js"),
  history: () => import("./panels/history.js"),
  health: () => import("./panels/health.js"),
  inside: () => import("./panels/inside.js"),
  data: () => import("./panels/data.js"),
  code: () => import("./panels/code.js"),
  lessons: () => import("./panels/lessons.js"),
};

/**
 * Mount the strip.
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {{ open: (name: string) => void }}
 */
export function mountPanels(root, context) {
  const names = Object.keys(PANELS);
  /** @type {Map<string, Promise<Panel>>} */
  const mounted = new Map();
  let present = "";
  const tabs = names.map((name) =>
    h("button", { type: "button", role: "tab", id: `panel-tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => open(name) }, text(`panels.${name}`)),
  );
  const bodies = names.map((name) =>
    h("div", { class: `panel panel-${name}`, role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `panel-tab-${name}`, hidden: true }),
  );

  /** @param {string} name */
  function open(name) {
    if (name === present) return;
    void mounted.get(present)?.then((panel) => panel.hidden?.());
    present = name;
    remember("panel", name);
    names.forEach((other, i) => {
      tabs[i].setAttribute("aria-selected", String(other === name));
      tabs[i].tabIndex = other === name ? 0 : -1;
      bodies[i].hidden = other !== name;
    });
    if (!mounted.has(name)) mounted.set(name, load(name, bodies[names.indexOf(name)], context));
    void mounted.get(name)?.then((panel) => {
      if (present === name) panel.shown?.();
    });
  }

  const strip = h("div", { class: "tabs panel-tabs", role: "tablist", "aria-label": message("panels.strip"), onkeydown: move }, tabs);

  /** @param {KeyboardEvent} event */
  function move(event) {
    const at = names.indexOf(present);
    const places = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 };
    const next = /** @type {Record<string, number>} */ (places)[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const name = names[(next + names.length) % names.length];
    open(name);
    tabs[names.indexOf(name)].focus();
  }

  const banner = h("div", { class: "panel-banner" });
  mountDivergence(banner, context);
  replace(root, banner, strip, bodies);
  const before = recall("panel", "");
  open(names.includes(before) ? before : names[0]);
  return { open };
}

/**
 * @param {string} name
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {Promise<Panel>}
 */
async function load(name, root, context) {
  try {
    return (await PANELS[name]()).mount(root, context);
  } catch (error) {
    console.error(error);
    replace(root, h("p", { class: "failure", role: "alert" }, text("common.failed")));
    return {};
  }
}
