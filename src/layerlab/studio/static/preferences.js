/** What this browser remembers between visits; a browser that remembers nothing is no error. */

const PREFIX = "layerlab.";

/**
 * @param {string} name
 * @param {string} otherwise
 * @returns {string}
 */
export function recall(name, otherwise) {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Private windows refuse storage: the choice then lasts as long as the page.
  }
}
