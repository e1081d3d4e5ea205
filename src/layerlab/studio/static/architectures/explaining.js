/** The arithmetic of the layer that was chosen, worked in the page's language. */

import { h, replace } from "../dom.js";
import { language, onLanguage, text } from "../locale.js";
import { Refused } from "../layers/api.js";
import { asker } from "./api.js";
import { sentenceOf } from "./knobs.js";

/** @typedef {import("./api.js").Network} Network */
/** @typedef {import("./api.js").Explanation} Explanation */

/**
 * @param {{ onclose: () => void }} options
 * @returns {{ root: HTMLElement, show: (network: Network, path: string | null) => Promise<void> }}
 */
export function explaining({ onclose }) {
  const ask = asker("explanation");
  const title = h("h3", { class: "explained-title" });
  const close = h("button", { type: "button", class: "button small", onclick: onclose }, text("common.close"));
  const lines = h("ul", { class: "explained-lines" });
  const hint = h("p", { class: "muted" }, text("architectures.hint"));
  const root = h("section", { class: "card explained", "aria-live": "polite" }, h("div", { class: "architecture-head" }, title, close), lines, hint);
  /** @type {{ network: Network, path: string } | null} */
  let present = null;

  /** @param {Network} network @param {string | null} path */
  async function show(network, path) {
    present = path === null ? null : { network, path };
    close.hidden = hint.hidden = path === null;
    hint.hidden = path !== null;
    root.classList.toggle("full", path !== null);
    if (path === null) {
      replace(title, text("architectures.arithmetic"));
      replace(lines);
      return;
    }
    try {
      /** @type {Explanation} */
      const answer = await ask({ network, path, language: language() });
      replace(title, answer.title);
      replace(lines, answer.lines.map(line));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      replace(title, path);
      replace(lines, h("li", { class: "problem" }, sentenceOf(error.problem)));
    }
  }

  onLanguage(() => present && void show(present.network, present.path));
  return { root, show };
}

/**
 * A line of the explanation; what belongs to a part inside is set in.
 * @param {string} written
 */
function line(written) {
  const inner = written.length - written.trimStart().length;
  return h("li", { style: { "margin-inline-start": `${inner / 2}rem` } }, written.trimStart());
}
