/** The size of one input: a field for any size, and a slider for square images. */

import { h } from "../dom.js";
import { message, onLanguage, t, text } from "../locale.js";
import { readSize, writeSize } from "./state.js";

/** @typedef {import("./api.js").Model} Model */

const MOST = 512;

/**
 * @param {{ onsize: (size: number[] | null, sliding: boolean) => void }} options null: the network's own
 * @returns {{ root: HTMLElement, show: (size: number[] | null, own: number[] | null, model: Model | undefined) => void, problem: (sentence: string) => void }}
 */
export function inputSize({ onsize }) {
  const field = h("input", { type: "text", id: "input-size", class: "input-size", autocomplete: "off", spellcheck: "false", "aria-describedby": "input-problem" });
  const range = h("input", { type: "range", "aria-label": message("architectures.input.side") });
  const own = h("button", { type: "button", class: "button small", onclick: () => onsize(null, false) }, text("architectures.input.own"));
  const problem = h("p", { class: "problem small", id: "input-problem", role: "alert", hidden: true });
  /** @type {number[]} */
  let present = [];
  let unread = false;

  field.addEventListener("change", () => {
    const size = readSize(field.value);
    unread = size === null;
    if (size) onsize(size, false);
    else tell(t("architectures.error.size"), false);
  });
  range.addEventListener("input", () => {
    const side = Number(range.value);
    present = [present[0], side, side];
    field.value = writeSize(present);
    onsize(present, true);
  });
  onLanguage(() => unread && tell(t("architectures.error.size"), false));

  /** @param {string} sentence @param {boolean} english whether it is the network's own */
  function tell(sentence, english) {
    problem.hidden = sentence === "";
    problem.lang = english ? "en" : "";
    problem.textContent = sentence;
    if (sentence) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  return {
    root: h("section", { class: "input-panel" }, h("div", { class: "architecture-head" }, h("h3", null, h("label", { for: "input-size" }, text("architectures.input"))), own), h("div", { class: "knob-slide" }, range, field), problem),
    show(size, usual, model) {
      present = size ?? usual ?? [];
      if (document.activeElement !== field || readSize(field.value)) field.value = writeSize(present);
      own.disabled = size === null;
      const square = model !== undefined && !model.fixed && present.length === 3;
      range.hidden = !square;
      if (!square) return;
      range.min = String(model.smallest);
      range.max = String(Math.max(MOST, present[1]));
      range.value = String(present[1]);
    },
    problem(sentence) {
      unread = false;
      tell(sentence, true);
    },
  };
}
