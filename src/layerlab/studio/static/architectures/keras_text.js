/** Keras text to be read: examples to begin with, and the reader's sentence where it cannot be. */

import { h, replace } from "../dom.js";
import { message, text } from "../locale.js";
import { MOST_TEXT } from "./state.js";

/**
 * @param {{ ontext: (source: string, typing: boolean) => void }} options
 * @returns {{ root: HTMLElement, fill: (examples: Record<string, string>) => void, show: (source: string) => void, problem: (sentence: string) => void }}
 */
export function kerasText({ ontext }) {
  const area = h("textarea", { class: "keras-text", rows: 16, spellcheck: "false", autocapitalize: "off", maxlength: 20_000, "aria-label": message("architectures.text"), wrap: "off" });
  const problem = h("p", { class: "problem small", role: "alert", id: "keras-problem", lang: "en", hidden: true });
  const long = h("p", { class: "muted small", hidden: true }, text("architectures.text.long", { limit: MOST_TEXT }));
  const examples = h("div", { class: "row wrap", role: "group", "aria-label": message("architectures.examples") });
  area.setAttribute("aria-describedby", problem.id);
  area.addEventListener("input", () => {
    long.hidden = area.value.length <= MOST_TEXT;
    ontext(area.value, true);
  });
  return {
    root: h("div", { class: "keras" }, h("p", { class: "muted small" }, text("architectures.text.lead")), examples, area, problem, long),
    fill(given) {
      replace(examples, Object.entries(given).map(([name, source]) =>
        h("button", { type: "button", class: "button small", dataset: { example: name }, onclick: () => ontext(source, false) }, text(`architectures.example.${name}`))));
    },
    show(source) {
      if (area.value !== source) area.value = source;
      long.hidden = source.length <= MOST_TEXT;
    },
    problem(sentence) {
      problem.hidden = sentence === "";
      problem.textContent = sentence;
      if (sentence) area.setAttribute("aria-invalid", "true");
      else area.removeAttribute("aria-invalid");
    },
  };
}
