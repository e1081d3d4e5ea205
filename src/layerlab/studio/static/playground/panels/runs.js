/** Runs kept side by side: their curves, names and links, for as long as the browser's tab lives. */

import { h, replace } from "../../dom.js";
import { formatNumber, message, onLanguage, t, text } from "../../locale.js";
import { button } from "./parts.js";

/** @typedef {import("./parts.js").Context} Context */
/** @typedef {import("../../store.js").Losses} Losses */
/**
 * @typedef {Losses & { name: string, link: string, colour: number, shown: boolean }} Run
 */

const REMEMBERED = "layerlab.runs";
const MOST = 12;
const COLOURS = 8;
const POINTS = 400;

/**
 * Make the list of runs.
 * @param {Context} context
 * @param {() => void} onchange
 * @returns {{ element: HTMLElement, keep: (losses: Losses) => void, visible: () => Run[] }}
 */
export function keptRuns(context, onchange) {
  let runs = remembered();
  const element = h("div", { class: "runs" });

  /** @param {Losses} losses */
  function keep(losses) {
    const state = context.store.state;
    if (!state || !losses.epoch.length) return;
    if (runs.length >= MOST) {
      context.notify(text("panels.history.too-many", { limit: MOST }));
      return;
    }
    const used = new Set(runs.map((run) => run.colour));
    const colour = Array.from({ length: COLOURS }, (_, i) => i).find((i) => !used.has(i)) ?? runs.length % COLOURS;
    runs.push({ ...thinned(losses), name: describe(state.specification), link: state.link, colour, shown: true });
    changed();
  }

  function changed() {
    try {
      sessionStorage.setItem(REMEMBERED, JSON.stringify(runs));
    } catch {
      // A full or forbidden storage: the runs then last as long as the page.
    }
    draw();
    onchange();
  }

  function draw() {
    if (!runs.length) return replace(element, h("p", { class: "muted" }, text("panels.history.none")));
    replace(
      element,
      h("div", { class: "scroll-x" }, h("table", { class: "run-table" }, h("thead", null, headings()), h("tbody", null, runs.map(row)))),
      button("panels.history.forget-all", () => {
        runs = [];
        changed();
      }, "small"),
    );
  }

  /** @param {Run} run */
  function row(run) {
    const forget = () => {
      runs = runs.filter((other) => other !== run);
      changed();
    };
    const shown = h("input", { type: "checkbox", checked: run.shown, "aria-label": message("panels.history.show", { name: run.name }) });
    shown.addEventListener("change", () => {
      run.shown = shown.checked;
      changed();
    });
    const name = h("input", { type: "text", value: run.name, maxlength: 80, "aria-label": message("panels.history.name") });
    name.addEventListener("change", () => {
      run.name = name.value;
      changed();
    });
    const end = run.epoch.length - 1;
    return h(
      "tr",
      null,
      h("td", null, h("span", { class: "run-mark" }, shown, h("span", { class: `swatch run-${run.colour}`, "aria-hidden": "true" }))),
      h("td", null, name),
      h("td", { class: "number" }, formatNumber(run.epoch[end])),
      [run.train[end], run.test[end]].map((value) => h("td", { class: "number" }, formatNumber(value, { maximumSignificantDigits: 3 }))),
      h(
        "td",
        { class: "run-actions" },
        h("button", { type: "button", class: "button small", "aria-label": message("panels.history.open-run", { name: run.name }), onclick: () => context.openLink(run.link) }, text("panels.history.open")),
        h("button", { type: "button", class: "button small", "aria-label": message("panels.history.forget-run", { name: run.name }), onclick: forget }, text("panels.history.forget")),
      ),
    );
  }

  onLanguage(draw);
  draw();
  return { element, keep, visible: () => runs.filter((run) => run.shown) };
}

function headings() {
  const names = ["shown", "name", "epochs", "train", "test"];
  return h("tr", null, names.map((name) => h("th", { scope: "col" }, text(`panels.history.column.${name}`))), h("td"));
}

/** @returns {Run[]} */
function remembered() {
  try {
    const runs = JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "[]");
    return Array.isArray(runs) ? runs.filter((run) => Array.isArray(run?.epoch) && typeof run.link === "string") : [];
  } catch {
    return [];
  }
}

/**
 * What sets a run apart, in a few words.
 * @param {import("../../store.js").Specification} specification
 */
function describe(specification) {
  const data = specification.problem === "regression" ? specification.regression_dataset : specification.dataset;
  const layers = specification.hidden_layers.join("-") || t("panels.history.no-layers");
  return `${data} · ${layers} · ${specification.activation} · ${formatNumber(specification.learning_rate)}`;
}

/**
 * A copy of a curve with some hundred points, the first and the last among them.
 * @param {Losses} losses
 * @returns {Losses}
 */
function thinned({ epoch, train, test }) {
  const count = Math.min(POINTS, epoch.length);
  const places = Array.from({ length: count }, (_, i) => Math.round((i * (epoch.length - 1)) / Math.max(1, count - 1)));
  const pick = (/** @type {number[]} */ column) => places.map((i) => column[i]);
  return { epoch: pick(epoch), train: pick(train), test: pick(test) };
}
