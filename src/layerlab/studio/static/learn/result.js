/** What a lesson's runs gave: the sentences, the figures, the table, and where to go from there. */

import { h } from "../dom.js";
import { t } from "../locale.js";
import { draw } from "./figures.js";
import { number, words } from "./words.js";

/** @typedef {import("./memory.js").Result} Result */
/** @typedef {import("./memory.js").Offer} Offer */
/** @typedef {{ epoch: number, test_loss: number } | null} Live the playground's own run of the lesson's network */

/**
 * Show a result.
 * @param {Result} result
 * @param {Offer} offer
 * @param {Live} live
 * @param {{ openLink: (link: string) => void, again: (choices: Record<string, any>) => void }} act
 * @returns {HTMLElement[]}
 */
export function showResult(result, offer, live, act) {
  const prediction = t(`learn.${offer.name}.choice.${result.prediction}`);
  const [verdict, ...others] = result.sentences.map(words);
  const drawn = result.figures.map((figure) => draw(figure, offer.target));
  const [first, last] = result.seeds;
  const facts = t("learn.result.seeds", { first, last, epochs: result.epochs, seconds: number(result.seconds) });
  return [
    h("p", { class: "learn-verdict" }, verdict),
    h("p", { class: `learn-held learn-held-${result.held}` }, t(`learn.prediction.${result.held}`, { prediction })),
    h("ul", { class: "learn-findings" }, others.map((sentence) => h("li", null, sentence)), live && h("li", { class: "learn-live" }, ownRun(live, result))),
    h("div", { class: "learn-figures" }, drawn),
    h("h4", null, t("learn.result.table")),
    table(result, offer, act.openLink),
    h("p", { class: "learn-small" }, chosen(result), facts),
    h("details", { class: "learn-small" }, h("summary", null, t("learn.result.method")), h("p", null, t("learn.result.method-text"))),
    h("h4", null, t("learn.result.next")),
    h("ul", { class: "learn-next" }, result.next.map((next) => h("li", null, step(next, act)))),
  ];
}

/** @param {Result} result */
function chosen({ options }) {
  return Object.entries(options).map(([name, value]) => `${t(`learn.option.${name}`)}: ${t(`learn.value.${name}.${value}`)}. `);
}

/**
 * What the playground's own run says, beside the same network's other seeds at that epoch.
 * @param {NonNullable<Live>} live
 * @param {Result} result
 * @returns {string}
 */
export function ownRun(live, result) {
  const { x = [], series = [] } = result.shown;
  const at = Math.max(0, x.findLastIndex((epoch) => epoch <= live.epoch));
  const { low, middle, high } = series[0];
  const rank = t("learn.result.live-rank", { epoch: x[at], median: number(middle[at]), low: number(low[at]), high: number(high[at]) });
  return `${t("learn.result.live", { epoch: live.epoch, loss: number(live.test_loss) })} ${rank}`;
}

/**
 * @param {import("./memory.js").Next} next
 * @param {{ openLink: (link: string) => void, again: (choices: Record<string, any>) => void }} act
 */
function step(next, act) {
  const press = () => (next.link === undefined ? act.again(next.arguments ?? {}) : act.openLink(next.link));
  return h("button", { type: "button", class: "button", onclick: press }, words(next.text));
}

/**
 * @param {Result} result
 * @param {Offer} offer
 * @param {(link: string) => void} openLink
 */
function table(result, offer, openLink) {
  const seeds = result.seeds[1] - result.seeds[0] + 1;
  const names = ["network", "parameters", "train", "test", "spread", "reached", "open"];
  const head = names.map((name) => h("th", { scope: "col" }, t(`learn.column.${name}`, { target: offer.target })));
  const lines = result.table.map((line) => {
    const network = words(line.label);
    const [low, middle, high] = line.test.map(number);
    const label = t("learn.open-network", { network });
    const open = h("button", { type: "button", class: "button small", "aria-label": label, onclick: () => openLink(line.link) }, t("learn.column.open"));
    const cells = [number(line.parameters), number(line.train), middle, `${low} – ${high}`, `${line.reached} / ${seeds}`, open];
    return h("tr", null, h("th", { scope: "row" }, network), cells.map((cell) => h("td", null, cell)));
  });
  return h("div", { class: "learn-table", tabindex: 0, role: "region", "aria-label": t("learn.result.table") },
    h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, lines)));
}
