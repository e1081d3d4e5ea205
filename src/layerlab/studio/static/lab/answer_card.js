/** The answer in words: headline, findings, tables, what a reader must know, where to go on, how to get it again. */

import { h, replace } from "../dom.js";
import { language, message, text } from "../locale.js";
import { figureCard } from "./figures.js";

/** @typedef {import("./api.js").Answer} Answer */
/** @typedef {import("./api.js").Asked} Asked */
/** @typedef {import("./api.js").Table} Table */

const FILES = /** @type {const} */ (["report", "csv", "json"]);

/**
 * @param {{ onask: (asked: Asked) => void, onopen: (key: string) => void }} options told what is asked next, and the key of a run
 * @returns {{ root: HTMLElement, show: (answer: Answer, plotly: string) => void, hide: () => void }}
 */
export function answerCard({ onask, onopen }) {
  const words = h("div", { class: "lab-words" });
  const figures = figureCard({ onopen });
  const rest = h("div", { class: "lab-rest" });
  const copied = h("p", { class: "muted small", role: "status" });
  const root = h("section", { class: "card lab-answer", "aria-label": message("lab.answer"), hidden: true }, words, figures.root, rest, copied);

  /** @param {HTMLElement} line */
  async function copy(line) {
    try {
      await navigator.clipboard.writeText(line.textContent ?? "");
      replace(copied, text("common.copied"));
    } catch {
      getSelection()?.selectAllChildren(line); // without TLS beyond loopback: the person's own keys copy it
      replace(copied, text("lab.select"));
    }
  }

  return {
    root,
    show(answer, plotly) {
      root.hidden = false;
      const of = (/** @type {string} */ kind) => answer.sentences.filter((one) => one.kind === kind).map((one) => h("li", null, one.text));
      const line = h("code", { class: "line" }, answer.command);
      replace(words, h("h3", { class: "lab-headline" }, answer.headline));
      figures.show(answer, plotly);
      replace(rest,
        h("h4", null, text("lab.findings")), h("ul", { class: "lab-findings" }, of("finding")),
        h("h4", null, text("lab.caveats")), h("ul", { class: "lab-caveats" }, of("caveat")),
        answer.tables.map((one, i) => table(one, i === 0)),
        h("details", { class: "lab-details" }, h("summary", null, text("lab.method")), h("ul", null, of("design")), facts(answer.facts)),
        answer.next.length ? [h("h4", null, text("lab.next")), h("ul", { class: "lab-next" }, answer.next.map((next) => h("li", null, further(next, onask))))] : null,
        h("h4", null, text("lab.again")),
        h("div", { class: "copy-line" }, line, h("button", { type: "button", class: "button small", onclick: () => void copy(line) }, text("common.copy"))),
        h("div", { class: "lab-files" }, FILES.map((form) => h("a", { class: "button small", download: "", href: `/api/lab/answers/${answer.design}/${form}?language=${language()}` }, text(`lab.file.${form}`)))),
      );
    },
    hide() {
      root.hidden = true;
      figures.hide();
      replace(copied);
    },
  };
}

/** @param {import("./api.js").Next} next @param {(asked: Asked) => void} onask */
function further({ command, title, asked }, onask) {
  if (!asked) return h("code", { class: "line" }, command);
  return h("button", { type: "button", class: "button", onclick: () => onask(asked) }, title);
}

/** @param {Table} given @param {boolean} open */
function table({ title, columns, rows }, open) {
  return h("details", { class: "lab-details", open }, h("summary", null, title),
    h("div", { class: "lab-table", tabindex: 0, role: "region", "aria-label": title },
      h("table", null,
        h("thead", null, h("tr", null, columns.map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", null, rows.map(([first, ...others]) => h("tr", null, h("th", { scope: "row" }, first), others.map((cell) => h("td", null, cell))))))));
}

/** @param {string[][]} given */
function facts(given) {
  return h("dl", { class: "lab-facts" }, given.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]).flat());
}
