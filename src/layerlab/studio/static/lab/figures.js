/** The figures of an answer, one at a time, drawn again when the language, the look or the width changes. */

import { h, replace } from "../dom.js";
import { Refused, worded } from "../layers/api.js";
import { language, message, onLanguage, text } from "../locale.js";
import { ask } from "./api.js";
import { draw, plotly } from "./plot.js";

/** @typedef {import("./api.js").Answer} Answer */

/**
 * @param {{ onopen: (key: string) => void }} options told the key of the run whose point was clicked
 * @returns {{ root: HTMLElement, show: (answer: Answer, address: string) => void, hide: () => void }}
 */
export function figureCard({ onopen }) {
  const tabs = h("div", { class: "lab-figure-choice", role: "group", "aria-label": message("lab.figures") });
  const place = h("div", { class: "lab-plot" });
  const problem = h("p", { class: "failure", role: "alert", hidden: true });
  const root = h("section", { class: "lab-figures-card", "aria-label": message("lab.figures"), hidden: true }, tabs, place, problem);
  /** @type {Answer | null} */
  let answer = null;
  let address = "";
  let chosen = 0;
  let newest = 0;
  let width = 0;

  async function paint() {
    if (!answer || root.hidden || place.clientWidth === 0) return;
    const mine = ++newest;
    const design = answer.design;
    try {
      const [library, figure] = await Promise.all([plotly(address), ask("figure", { design, number: chosen, language: language() })]);
      if (mine !== newest) return;
      place.setAttribute("role", "img");
      place.setAttribute("aria-label", answer.figures[chosen]?.title ?? "");
      width = place.clientWidth;
      await draw(library, place, figure, (key) => onopen(key));
      problem.hidden = true;
    } catch (error) {
      if (mine !== newest) return;
      problem.hidden = false;
      replace(problem, error instanceof Refused ? worded(error.problem) : text("lab.error.unavailable"));
    }
  }

  onLanguage(() => void paint());
  new MutationObserver(() => void paint()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => void paint());
  new ResizeObserver(() => {
    if (place.clientWidth !== 0 && place.clientWidth !== width) void paint();
  }).observe(place);

  return {
    root,
    show(next, where) {
      const same = answer?.design === next.design;
      answer = next;
      address = where;
      if (!same) chosen = 0;
      root.hidden = next.figures.length === 0;
      replace(tabs, next.figures.map((figure, i) =>
        h("button", { type: "button", class: "button small", "aria-pressed": String(i === chosen), dataset: { figure: i }, onclick: (/** @type {MouseEvent} */ event) => {
          chosen = i;
          for (const button of tabs.children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
          void paint();
        } }, figure.title)));
      tabs.hidden = next.figures.length < 2;
      void paint();
    },
    hide() {
      root.hidden = true;
      answer = null;
    },
  };
}
