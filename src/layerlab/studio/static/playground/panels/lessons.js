/** The guided lessons' place in the strip. */

import { mountLessons } from "../../learn/index.js";

/** @typedef {import("./parts.js").Context} Context */
/** @typedef {import("./parts.js").Panel} Panel */

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {Panel}
 */
export function mount(root, context) {
  mountLessons(root, context);
  return {};
}
