/** The few pieces of MathML that the formulas need; browsers typeset it themselves. */

import { text } from "../locale.js";

/** @typedef {Node | string} Piece a string is an identifier, a number or a sign, as it looks */

const NAMESPACE = "http://www.w3.org/1998/Math/MathML";

/**
 * @param {string} tag
 * @param {Piece[]} pieces
 * @param {Record<string, string>} [attributes]
 * @returns {Element}
 */
function element(tag, pieces, attributes = {}) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...pieces.map((piece) => (typeof piece === "string" ? leaf(piece) : piece)));
  return made;
}

/** @param {string} written */
function leaf(written) {
  const tag = /^[\d.,]+$/.test(written) ? "mn" : /^[\p{L}′∂]/u.test(written) ? "mi" : "mo";
  const made = document.createElementNS(NAMESPACE, tag);
  made.append(written);
  return made;
}

/** @param {...Piece} pieces side by side */
export const row = (...pieces) => element("mrow", pieces);

/** @param {...Piece} pieces in round brackets */
export const brackets = (...pieces) => element("mrow", ["(", ...pieces, ")"]);

/** @param {Piece} top @param {Piece} bottom */
export const fraction = (top, bottom) => element("mfrac", [top, bottom]);

/** @param {...Piece} pieces under the root */
export const root = (...pieces) => element("msqrt", pieces);

/** @param {Piece} base @param {Piece} below */
export const sub = (base, below) => element("msub", [base, below]);

/** @param {Piece} base @param {Piece} above */
export const power = (base, above) => element("msup", [base, above]);

/** @param {string} base a letter with a hat */
export const hat = (base) => element("mover", [base, element("mo", ["^"].map(plain))], { accent: "true" });

/** @param {Piece} below @param {...Piece} pieces summed */
export const sum = (below, ...pieces) => row(element("munder", ["∑", below]), ...pieces);

/** @param {Piece} below @param {Piece} of the largest of them */
export const largest = (below, of) => row(element("munder", [element("mo", [plain("max")]), below]), of);

/** @param {Piece[][]} lines what holds, and when */
export const cases = (...lines) =>
  element("mtable", lines.map((line) => element("mtr", line.map((piece) => element("mtd", [piece])))), { class: "cases" });

/** @param {string} key a word of the page's language */
export const word = (key) => element("mtext", [text(key)]);

/** @param {...Piece} pieces a whole formula */
export const math = (...pieces) => element("math", pieces, { displaystyle: "true" });

/** @param {string} written */
function plain(written) {
  return document.createTextNode(written);
}
