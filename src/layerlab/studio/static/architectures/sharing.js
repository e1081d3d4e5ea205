/** Taking a network away: its link, the lines that give the same elsewhere, and files. */

import { h, replace } from "../dom.js";
import { Refused } from "../layers/api.js";
import { text } from "../locale.js";
import { ask } from "./api.js";
import { sentenceOf } from "./knobs.js";

/** @typedef {import("./api.js").Network} Network */
/** @typedef {import("./api.js").Kept} Kept */

const FORMS = /** @type {const} */ (["svg", "scale", "html", "json"]);

/**
 * @param {{ network: () => Network }} options
 * @returns {{ root: HTMLElement, show: (command: string, python: string) => void }}
 */
export function sharing({ network }) {
  const said = h("p", { class: "muted small", role: "status" });
  const command = h("code", { class: "line" });
  const python = h("code", { class: "line" });

  /** @param {() => string} what @param {HTMLElement | null} shown selected where there is no clipboard */
  async function copy(what, shown) {
    try {
      await navigator.clipboard.writeText(what());
      replace(said, text("common.copied"));
    } catch {
      if (shown) getSelection()?.selectAllChildren(shown); // without TLS beyond loopback: the person's own keys copy it
      replace(said, text("architectures.select"));
    }
  }

  /** @param {typeof FORMS[number]} form */
  async function keep(form) {
    replace(said, text("architectures.making"));
    try {
      /** @type {Kept} */
      const kept = await ask("file", { network: network(), form });
      const address = URL.createObjectURL(new Blob([kept.content], { type: kept.type }));
      h("a", { href: address, download: kept.name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
      replace(said);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      replace(said, sentenceOf(error.problem));
    }
  }

  const row = (/** @type {string} */ key, /** @type {HTMLElement} */ line) =>
    h("div", { class: "copy-line" }, h("span", { class: "muted small" }, text(key)), line, h("button", { type: "button", class: "button small", onclick: () => void copy(() => line.textContent ?? "", line) }, text("common.copy")));
  return {
    root: h(
      "section",
      { class: "card sharing" },
      h("h3", null, text("architectures.same")),
      row("architectures.same.command", command),
      row("architectures.same.python", python),
      h(
        "div",
        { class: "row wrap" },
        h("button", { type: "button", class: "button small", onclick: () => void copy(() => location.href, null) }, text("architectures.link")),
        FORMS.map((form) => h("button", { type: "button", class: "button small", dataset: { form }, onclick: () => void keep(form) }, text(`architectures.file.${form}`))),
      ),
      said,
    ),
    show(line, written) {
      command.textContent = line;
      python.textContent = written;
    },
  };
}
