/** The display keys of a link: what the page alone reads, kept beside what the server wrote. */

/** @typedef {Record<string, string>} Display */

/**
 * Whether a display key is on: any word but "false" is true, as TensorFlow Playground has it.
 * @param {Display} display
 * @param {string} key
 * @returns {boolean}
 */
export function isOn(display, key) {
  return Object.hasOwn(display, key) && display[key] !== "" && display[key] !== "false";
}

/**
 * A link's text with display keys set; an empty value takes a key away.
 * @param {string} link without "#"
 * @param {Display} display
 * @returns {string}
 */
export function withDisplay(link, display) {
  const kept = link.split("&").filter((part) => part !== "" && !Object.hasOwn(display, part.split("=")[0]));
  const set = Object.entries(display).filter(([, value]) => value !== "");
  return [...kept, ...set.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)].join("&");
}

/**
 * The hash of a link or an address that somebody pasted.
 * @param {string} pasted
 * @returns {string} without "#"
 */
export function hashOf(pasted) {
  const trimmed = pasted.trim();
  const mark = trimmed.indexOf("#");
  return mark < 0 ? trimmed : trimmed.slice(mark + 1);
}
