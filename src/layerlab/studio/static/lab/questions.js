/** The questions to choose from: the lecture's, those of the architectures, and one of one's own. */

import { h, replace } from "../dom.js";
import { onLanguage, text } from "../locale.js";
import { said } from "./api.js";

/** @typedef {import("./api.js").Catalogue} Catalogue */

const GROUPS = /** @type {const} */ (["lecture", "architectures"]);

/**
 * @param {{ onchoose: (question: string | null) => void }} options told the question's name; null: one of one's own
 * @returns {{ root: HTMLElement, fill: (catalogue: Catalogue) => void, show: (question: string | null | undefined) => void }}
 */
export function questionList({ onchoose }) {
  const root = h("div", { class: "lab-questions" });
  /** @type {string | null | undefined} */
  let shown;
  /** @type {Map<string | null, HTMLButtonElement>} */
  const buttons = new Map();

  function mark() {
    for (const [name, button] of buttons) button.setAttribute("aria-pressed", String(name === shown));
  }

  return {
    root,
    fill(catalogue) {
      const own = h("button", { type: "button", class: "lab-question lab-own", onclick: () => onchoose(null) }, text("lab.own"));
      const groups = GROUPS.map((group) => {
        const entries = catalogue.questions.filter((one) => one.group === group).map((one) => {
          const button = h("button", { type: "button", class: "lab-question", dataset: { question: one.name }, onclick: () => onchoose(one.name) });
          const word = () => replace(button, said(one.title));
          onLanguage(word);
          word();
          buttons.set(one.name, button);
          return h("li", null, button);
        });
        return entries.length ? [h("h3", null, text(`lab.group.${group}`)), h("ol", { class: "lab-list" }, entries)] : [];
      });
      buttons.set(null, own);
      replace(root, groups.flat(), h("h3", null, text("lab.group.own")), own);
      mark();
    },
    show(question) {
      shown = question;
      mark();
    },
  };
}
