/** The few pictures on buttons. */

import { svg } from "../dom.js";

/** @type {Record<string, string>} */
const PATHS = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6 4.5h4.5v15H6zM13.5 4.5H18v15h-4.5z",
  step: "M5 4.5v15l10-7.5zM16.5 4.5H19.5v15h-3z",
  minibatch: "M6 4.5v15l11-7.5z M18 10.5h2.4v3H18z",
  rewind: "M19 4.5v15L9 12zM4.5 4.5h3v15h-3z",
  reset: "M12 4a8 8 0 1 0 7.4 5h-2.7A5.5 5.5 0 1 1 12 6.5c1.4 0 2.7.5 3.7 1.4L13 10.5h7.5V3l-2.9 2.9A8 8 0 0 0 12 4z",
  share: "M14 4h6v6h-2.4V8.1l-7 7-1.7-1.7 7-7H14zM5 6h6v2.4H6.4v9.2h9.2V13H18v7H4V6z",
};

/**
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}
