/** The design as it is before anything runs: arms, trainings, what is decided, what such an experiment can see. */

import { h, replace } from "../dom.js";
import { formatNumber, t, text } from "../locale.js";
import { said } from "./api.js";
import { duration } from "./durations.js";

/** @typedef {import("./api.js").Comparison} Comparison */
/** @typedef {import("./api.js").Design} Design */

/** @returns {{ root: HTMLElement, show: (design: Design | null) => void }} */
export function designCard() {
  const root = h("div", { class: "lab-design" });
  return {
    root,
    show(design) {
      root.hidden = design === null;
      if (design) replace(root, summary(design), comparisons(design));
    },
  };
}

/** @param {Design} design */
function summary(design) {
  const arms = design.comparisons.reduce((sum, one) => sum + one.arms.length + one.hidden, 0);
  const figure = (/** @type {string} */ name, /** @type {string} */ value, /** @type {string} */ note = "") =>
    h("div", { class: "lab-figure", dataset: { figure: name } }, h("dt", null, text(`lab.design.${name}`)), h("dd", null, value, note && h("span", { class: "muted small" }, note)));
  return h("dl", { class: "lab-figures" },
    figure("arms", formatNumber(arms)),
    figure("trainings", formatNumber(design.trainings)),
    figure("seconds", design.seconds === null ? t("lab.design.unknown") : t("lab.design.about", { time: duration(design.seconds) })),
    figure("detectable", design.detectable === null ? "–" : t("lab.design.spreads", { count: formatNumber(design.detectable, { maximumSignificantDigits: 2 }) }), t(design.exploratory ? "lab.design.exploratory" : "lab.design.detectable.note")),
  );
}

/** @param {Design} design */
function comparisons(design) {
  return h("details", { class: "lab-details" }, h("summary", null, text("lab.design.details")), design.comparisons.flatMap(described),
    h("p", { class: "muted small" }, text("lab.design.hash", { hash: design.hash })));
}

/** @param {Comparison} comparison */
function described(comparison) {
  const facts = comparison.facts.map((fact) => [h("dt", null, said(fact.name)), h("dd", null, said(fact.text))]).flat();
  const head = ["arm", "parameters", "macs"].map((name) => h("th", { scope: "col" }, text(`lab.column.${name}`)));
  const rows = comparison.arms.map((arm) =>
    h("tr", null, h("th", { scope: "row" }, said(arm.label)), h("td", null, formatNumber(arm.parameters)), h("td", null, formatNumber(arm.macs))));
  return [
    said(comparison.title) ? h("h4", null, said(comparison.title)) : null,
    h("dl", { class: "lab-facts" }, facts),
    h("div", { class: "lab-table", tabindex: 0, role: "region", "aria-label": said(comparison.title) || t("lab.design.arms") },
      h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows))),
    comparison.hidden ? h("p", { class: "muted small" }, text("lab.design.more", { count: comparison.hidden })) : null,
  ];
}
