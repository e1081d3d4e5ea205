/** What is read of the chosen layer: where it stands, its arithmetic, or the few facts of a lone operation. */

import { fillWords } from "./words.js";

/** @typedef {import("./diagram_types.js").PictureNode} PictureNode */
/** @typedef {import("./page_table.js").LayerRow} LayerRow */
/** @typedef {{ layers: LayerRow[], texts: string[], explanations: Record<string, number[][]> }} Known */
/**
 * @typedef {object} Choice
 * @property {string} path of the layer
 * @property {PictureNode | null} operation where no layer was chosen
 */

/**
 * Make an element; text stays text.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * Show a choice, or how to make one.
 * @param {HTMLElement} root
 * @param {Known} known
 * @param {Choice | null} choice
 * @param {Record<string, string>} words
 * @param {string} language
 * @param {(path: string) => void} go to another layer
 */
export function showPanel(root, known, choice, words, language, go) {
  if (!choice) return root.replaceChildren(make("p", { class: "muted" }, words.chooseLayer));
  if (choice.operation) {
    const { kind, label, shape, macs } = choice.operation;
    const facts = [kind === "operation" ? words.operationIs : words.endIs];
    if (shape) facts.push(fillWords(words.gives, { shape }));
    if (macs) facts.push(fillWords(words.macs, { count: macs.toLocaleString(language) }));
    const lines = facts.map((fact) => make("p", {}, fact));
    return root.replaceChildren(way(choice.path, words, go), make("h3", {}, make("bdi", {}, label)), ...lines);
  }
  const at = known.layers.findIndex((layer) => layer.path === choice.path);
  const encoded = known.explanations[language]?.[at] ?? [];
  const list = make("ul", { class: "arithmetic" });
  const titles = new Map(known.explanations[language]?.map((lines, layer) => [lines[1], known.layers[layer].path]));
  for (let i = 2; i < encoded.length; i += 2) {
    const text = known.texts[encoded[i + 1]];
    // The title of a part leads there.
    const part = titles.get(encoded[i + 1]);
    const line = make("li", {}, part === undefined ? text : make("button", { type: "button" }, make("bdi", {}, text)));
    if (part !== undefined) line.firstElementChild?.addEventListener("click", () => go(part));
    line.style.setProperty("--indent", String(encoded[i]));
    list.append(line);
  }
  const heading = make("h3", {}, make("bdi", {}, known.texts[encoded[1]] ?? choice.path));
  root.replaceChildren(way(choice.path, words, go), heading, list);
}

/**
 * The blocks around a layer, each a button that leads there.
 * @param {string} path
 * @param {Record<string, string>} words
 * @param {(path: string) => void} go
 */
function way(path, words, go) {
  const steps = make("nav", { class: "way", "aria-label": words.layerTitle });
  const parts = path ? path.split(".") : [];
  const paths = ["", ...parts.map((_, at) => parts.slice(0, at + 1).join("."))];
  paths.forEach((step, at) => {
    const text = step ? parts[at - 1] : words.wholeModel;
    const button = make("button", { type: "button" }, make("bdi", {}, text));
    if (at === paths.length - 1) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => go(step));
    steps.append(...(at ? ["›"] : []), button);
  });
  return steps;
}

/**
 * The totals as terms and figures.
 * @param {HTMLElement} root a `dl`
 * @param {Record<string, any>} totals
 * @param {Record<string, string>} words
 * @param {string} language
 */
export function showTotals(root, totals, words, language) {
  const number = (/** @type {number} */ count) => count.toLocaleString(language);
  const size = (/** @type {string} */ text) => text.replace(".", words.decimal);
  const learnt = [fillWords(words.trainable, { count: number(totals.trainable) })];
  if (totals.frozen) learnt.push(fillWords(words.frozen, { count: number(totals.frozen) }));
  if (totals.executed !== totals.parameters)
    learnt.push(fillWords(words.executed, { count: number(totals.executed) }));
  const macs = number(totals.macs);
  const rows = [
    [words.parametersLabel, number(totals.parameters), learnt.join(", ")],
    [
      words.macsLabel,
      totals.atLeast ? fillWords(words.atLeast, { count: macs }) : macs,
      fillWords(words.flops, { count: number(totals.flops) }),
    ],
    [words.othersLabel, number(totals.others), words.othersAre],
    [words.weights, size(totals.weights), fillWords(words.buffers, { size: size(totals.buffers) })],
    [words.outputs, size(totals.outputs), fillWords(words.peak, { size: size(totals.peak) })],
  ];
  if (totals.training !== null)
    rows.push([
      words.training,
      size(totals.training),
      fillWords(words.gradients, { size: size(totals.gradients), adam: size(totals.adam) }),
    ]);
  root.replaceChildren(
    ...rows.map(([term, figure, more]) =>
      make("div", {}, make("dt", {}, term), make("dd", {}, figure), make("dd", { class: "muted small" }, more)),
    ),
  );
}
