/** A question of one's own: what varies, what is held, what is tuned, what is measured, what is equal. */

import { h, replace } from "../dom.js";
import { bindAttribute, language, message, text } from "../locale.js";
import { said } from "./api.js";
import { readLevels, writeLevels } from "./state.js";

/** @typedef {import("./api.js").Catalogue} Catalogue */
/** @typedef {import("./api.js").Level} Level */
/** @typedef {import("./api.js").Own} Own */
/** @typedef {import("./api.js").Workshop} Workshop */

const MOST_VARIED = 3;

/**
 * @param {{ onchange: (own: Own) => void }} options
 * @returns {{ root: HTMLElement, show: (own: Own, workshop: Workshop, catalogue: Catalogue) => void }}
 */
export function composer({ onchange }) {
  const root = h("div", { class: "lab-composer" });
  let key = "";

  return {
    root,
    show(own, workshop, catalogue) {
      const now = JSON.stringify([own, workshop.factors, language()]);
      if (now === key) return;
      key = now;
      const focus = document.activeElement instanceof HTMLElement && root.contains(document.activeElement) ? document.activeElement.dataset.part : undefined;
      replace(root, parts(own, workshop, catalogue, onchange));
      const again = focus && root.querySelector(`[data-part="${CSS.escape(focus)}"]`);
      if (again instanceof HTMLElement) again.focus();
    },
  };
}

/**
 * @param {Own} own
 * @param {Workshop} workshop
 * @param {Catalogue} catalogue
 * @param {(own: Own) => void} onchange
 */
function parts(own, workshop, catalogue, onchange) {
  const tuned = Object.keys(own.tune).length > 0;
  const grid = h("input", { type: "text", dataset: { part: "tune" }, value: writeLevels(own.tune.learning_rate ?? workshop.rates).replaceAll(",", ", "), disabled: !tuned, "aria-label": message("lab.own.grid") });
  grid.addEventListener("change", () => {
    const rates = readLevels(grid.value).filter((rate) => typeof rate === "number");
    if (rates.length) onchange({ ...own, tune: { learning_rate: rates } });
  });
  const tune = h("input", { type: "checkbox", dataset: { part: "tuning" }, checked: tuned });
  tune.addEventListener("change", () => onchange({ ...own, tune: tune.checked ? { learning_rate: workshop.rates } : {} }));
  const metric = choice("metric", [["", text("lab.own.usual")], ...catalogue.metrics.map((one) => /** @type {[string, string]} */ ([one.name, said(one.label)]))], own.metric ?? "");
  metric.addEventListener("change", () => onchange({ ...own, metric: metric.value || null }));
  const equal = choice("equal", [["", text("lab.own.unequal")], ...catalogue.equal.map((rule) => /** @type {[string, Text]} */ ([rule, text(`lab.own.equal.${rule}`)]))], own.equal ?? "");
  equal.addEventListener("change", () => onchange({ ...own, equal: equal.value || null }));
  return [
    factorRows("vary", own.vary, workshop, MOST_VARIED, (vary) => onchange({ ...own, vary })),
    factorRows("hold", Object.fromEntries(Object.entries(own.hold).map(([name, level]) => [name, [level]])), workshop, 10, (hold) =>
      onchange({ ...own, hold: Object.fromEntries(Object.entries(hold).map(([name, levels]) => [name, levels[0]])) })),
    h("div", { class: "lab-own-row" }, h("label", { class: "check" }, tune, text("lab.own.tune")), grid),
    h("div", { class: "lab-own-row" },
      h("label", { class: "field" }, h("span", null, text("lab.own.metric")), metric),
      h("label", { class: "field" }, h("span", null, text("lab.own.equal")), equal)),
    h("p", { class: "muted small" }, text("lab.own.hint")),
  ];
}

/**
 * @param {"vary" | "hold"} what
 * @param {Record<string, Level[]>} given
 * @param {Workshop} workshop
 * @param {number} most
 * @param {(given: Record<string, Level[]>) => void} onchange
 */
function factorRows(what, given, workshop, most, onchange) {
  const names = Object.keys(given);
  const free = workshop.factors.filter((factor) => !names.includes(factor.name));
  const rows = names.map((name, i) => {
    const options = workshop.factors.filter((factor) => factor.name === name || !names.includes(factor.name));
    const unknown = options.some((factor) => factor.name === name) ? [] : [/** @type {[string, string]} */ ([name, name])];
    const factor = choice(`${what}-factor-${i}`, [...unknown, ...options.map((one) => /** @type {[string, string]} */ ([one.name, said(one.label)]))], name);
    bindAttribute(factor, "aria-label", message("lab.own.factor"));
    const says = workshop.factors.find((one) => one.name === name)?.says ?? "";
    const levels = h("input", { type: "text", dataset: { part: `${what}-levels-${i}` }, value: writeLevels(given[name]).replaceAll(",", ", "), title: says, "aria-label": message(`lab.own.${what}.levels`) });
    factor.addEventListener("change", () => onchange(Object.fromEntries(names.map((other) => [other === name ? factor.value : other, given[other]]))));
    levels.addEventListener("change", () => onchange({ ...given, [name]: readLevels(levels.value) }));
    const remove = h("button", { type: "button", class: "icon-button lab-remove", "aria-label": message("lab.own.remove"), disabled: what === "vary" && names.length === 1, onclick: () => onchange(Object.fromEntries(names.filter((other) => other !== name).map((other) => [other, given[other]]))) }, "×");
    return h("div", { class: "lab-own-row" }, factor, levels, remove);
  });
  const add = names.length < most && free.length > 0 && h("button", { type: "button", class: "button small", dataset: { part: `${what}-add` }, onclick: () => onchange({ ...given, [free[0].name]: what === "vary" ? [1, 2] : [1] }) }, text(`lab.own.${what}.add`));
  return h("fieldset", { class: "lab-factors" }, h("legend", null, text(`lab.own.${what}`)), rows, add || null);
}

/**
 * @param {string} part
 * @param {[string, string | Text][]} options
 * @param {string} value
 */
function choice(part, options, value) {
  const select = h("select", { dataset: { part } }, options.map(([name, label]) => h("option", { value: name }, label)));
  select.value = value;
  return select;
}
