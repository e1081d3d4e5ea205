/** The formulas of the pages, and of the lecture's activations. */

import { brackets, cases, fraction, hat, largest, math, power, root, row, sub, sum, word } from "./mathml.js";

/** @typedef {import("./mathml.js").Piece} Piece */

const INPUT = "layers.word.input";
const OUTPUT = "layers.word.output";
const WINDOW = "layers.word.window";

/** @type {Record<string, () => Element[]>} */
const FORMULAS = {
  pooling: () => [
    math(sub("y", "max"), "=", largest(inWindow(), sub("x", "i"))),
    math(sub("y", word("layers.word.mean")), "=", fraction("1", row("|", word(WINDOW), "|")), sum(inWindow(), sub("x", "i"))),
  ],
  padding: () => [
    math(word(OUTPUT), "=", floor(row(word(INPUT), "+", word("layers.word.before"), "+", word("layers.word.after"), "−", word(WINDOW))), "+", "1"),
  ],
  geometry: () => [
    math(word(WINDOW), "=", word("layers.word.dilation"), "·", brackets(word("layers.word.kernel"), "−", "1"), "+", "1"),
    math(word(OUTPUT), "=", floor(row(word(INPUT), "+", "2", "·", word("layers.word.padding"), "−", word(WINDOW))), "+", "1"),
  ],
  "global-pooling": () => [math(sub("y", "c"), "=", fraction("1", row("H", "·", "W")), sum(row("i", ",", "j"), sub("x", row("c", ",", "i", ",", "j"))))],
  flatten: () => [
    math(brackets("C", ",", "H", ",", "W"), "→", "C", "·", "H", "·", "W"),
    math(sub(word("layers.word.place"), "PyTorch"), "=", brackets("c", "·", "H", "+", "i"), "·", "W", "+", "j"),
    math(sub(word("layers.word.place"), "Keras"), "=", brackets("i", "·", "W", "+", "j"), "·", "C", "+", "c"),
  ],
  "batch-normalization": () => [
    math("μ", "=", fraction("1", "m"), sum("i", sub("x", "i"))),
    math(power("σ", "2"), "=", fraction("1", "m"), sum("i", power(brackets(sub("x", "i"), "−", "μ"), "2"))),
    math(sub(hat("x"), "i"), "=", fraction(row(sub("x", "i"), "−", "μ"), root(power("σ", "2"), "+", "ε"))),
    math(sub("y", "i"), "=", "γ", sub(hat("x"), "i"), "+", "β"),
  ],
  dense: () => [math(sub("z", "i"), "=", sum("j", sub("w", row("i", ",", "j")), sub("x", "j")), "+", sub("b", "i")), math(sub("a", "i"), "=", call("f", sub("z", "i")))],
  convolution: () => [
    math(
      sub("y", row("r", ",", "c")),
      "=",
      "b",
      "+",
      sum(row("i", ",", "j"), sub("w", row("i", ",", "j")), sub("x", row("r", "·", word("layers.word.stride"), "+", "i", ",", "c", "·", word("layers.word.stride"), "+", "j"))),
    ),
  ],
  "transposed-convolution": () => [
    math(
      word(OUTPUT),
      "=",
      brackets(word(INPUT), "−", "1"),
      "·",
      word("layers.word.stride"),
      "+",
      word(WINDOW),
      "−",
      "2",
      "·",
      word("layers.word.padding"),
      "+",
      word("layers.word.output-padding"),
    ),
  ],
  skip: () => [math("y", "=", call("F", "x"), "+", "x"), math("y", "=", "[", call("F", "x"), ",", "x", "]")],
  activations: () => [math("a", "=", call("f", "z")), math(slope("L", "z"), "=", slope("L", "a"), "·", power("f", "′"), brackets("z"))],
  "activations.sigmoid": () => [math(fraction("1", row("1", "+", power("e", row("−", "x")))))],
  "activations.tanh": () => [math(fraction(row(power("e", "x"), "−", power("e", row("−", "x"))), row(power("e", "x"), "+", power("e", row("−", "x")))))],
  "activations.relu": () => [math("max", brackets("0", ",", "x"))],
  "activations.leaky_relu": () => [math("max", brackets("s", "x", ",", "x"))],
  "activations.maxout": () => [math("max", brackets(sub("w", "1"), "x", ",", sub("w", "2"), "x"))],
  "activations.elu": () => [math(cases(["x", row("x", "≥", "0")], [row("α", brackets(power("e", "x"), "−", "1")), row("x", "<", "0")]))],
  "activations.linear": () => [math("x")],
};

/**
 * The formulas of a page.
 * @param {string} name
 * @returns {Element[]}
 */
export function formulas(name) {
  return Object.hasOwn(FORMULAS, name) ? FORMULAS[name]() : [];
}

function inWindow() {
  return row("i", "∈", word(WINDOW));
}

/** @param {Piece} above divided by the stride, and rounded down */
function floor(above) {
  return row("⌊", brackets(above), "/", word("layers.word.stride"), "⌋");
}

/** @param {string} name @param {Piece} of */
function call(name, of) {
  return row(name, brackets(of));
}

/** @param {string} what @param {string} by */
function slope(what, by) {
  return fraction(row("∂", what), row("∂", by));
}
