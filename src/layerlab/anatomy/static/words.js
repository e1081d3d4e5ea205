/** The words of the diagram, and a node in a sentence for those who hear it. */

/** @typedef {import("./diagram_types.js").PictureNode} PictureNode */

/** English, where the page gives no others. @type {Record<string, string>} */
export const WORDS = {
  diagram: "Diagram of {title}",
  tools: "Zoom",
  zoomIn: "Zoom in (+)",
  zoomOut: "Zoom out (-)",
  fit: "Fit the width (0)",
  input: "input",
  output: "output",
  port: "end of the block",
  block: "block",
  repeats: "{count} in a row",
  gives: "gives {shape}",
  parameters: "{count} parameters",
  macs: "{count} MACs",
};

/**
 * A node as a sentence: "Bottleneck layer1.0, block, gives 256x56x56, 75,008 parameters".
 * @param {PictureNode} node
 * @param {Record<string, string>} words
 * @param {string} locale how numbers are written
 * @returns {string}
 */
export function describe(node, words, locale) {
  const number = (/** @type {number} */ count) => count.toLocaleString(locale);
  const end = node.kind === "port" ? node.label : node.kind;
  const isEnd = end === "input" || end === "output";
  const name = node.path ?? node.name;
  const whole = [node.label, node.detail, name === node.label ? "" : name].filter(Boolean).join(" ");
  const parts = [isEnd ? words[end] : whole];
  if (node.kind === "block" || node.kind === "port") parts.push(words[node.kind]);
  if (node.repeats > 1) parts.push(fillWords(words.repeats, { count: number(node.repeats) }));
  if (node.shape) parts.push(fillWords(words.gives, { shape: node.shape }));
  if (node.parameters) parts.push(fillWords(words.parameters, { count: number(node.parameters) }));
  if (node.macs) parts.push(fillWords(words.macs, { count: number(node.macs) }));
  return parts.join(", ");
}

/**
 * A text with its `{places}` filled in.
 * @param {string} pattern
 * @param {Record<string, string>} values
 * @returns {string}
 */
export function fillWords(pattern, values) {
  return pattern.replace(/\{(\w+)\}/g, (place, name) => (Object.hasOwn(values, name) ? values[name] : place));
}
