/** Before a question is chosen: what happens here, and what was asked before. */

import { h, replace } from "../dom.js";
import { Refused } from "../layers/api.js";
import { formatNumber, language, onLanguage, t, text } from "../locale.js";
import { ask, said } from "./api.js";

/** @typedef {import("./api.js").Asked} Asked */
/** @typedef {import("./api.js").Recalled} Recalled */

/**
 * @param {{ onask: (asked: Asked) => void }} options
 * @returns {{ root: HTMLElement, show: () => void }}
 */
export function leadCard({ onask }) {
  const before = h("div");
  /** @type {Recalled[]} */
  let known = [];

  function paint() {
    const rows = known.map((one) => {
      const where = one.tasks.map((task) => said(task.label)).join(", ");
      const when = new Date(one.date).toLocaleString(language(), { dateStyle: "medium", timeStyle: "short" });
      return h("li", null, h("button", { type: "button", class: "lab-question", onclick: () => onask(one.asked) }, said(one.title),
        h("span", { class: "lab-when muted small" }, `${where} · ${t("lab.recalled.seeds", { count: formatNumber(one.seeds) })} · ${when}`)));
    });
    replace(before, known.length ? [h("h3", null, text("lab.recalled")), h("ul", { class: "lab-list" }, rows)] : null);
  }

  onLanguage(paint);
  return {
    root: h("section", { class: "card lab-lead" }, h("h2", null, text("lab.lead.title")), h("p", null, text("lab.lead")), h("p", { class: "muted" }, text("lab.lead.method")), before),
    async show() {
      try {
        known = await ask("recalled");
        paint();
      } catch (error) {
        if (!(error instanceof Refused)) throw error; // a store that cannot be read is told where it is needed
      }
    },
  };
}
