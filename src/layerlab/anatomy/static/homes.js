/** Where in the picture each layer is drawn, and what has to be open to see it. */

/** @typedef {import("./diagram_types.js").Picture} Picture */
/** @typedef {import("./diagram_types.js").PictureNode} PictureNode */
/** @typedef {{ key: string, node: PictureNode }} Home */

/** @typedef {{ paths: Map<string, Home>, levels: Map<string, string> }} Homes */

/**
 * Where each layer is drawn, and in which level each level's block stands.
 * @param {Picture} picture
 * @returns {Homes}
 */
export function findHomes(picture) {
  /** @type {Map<string, Home>} */
  const paths = new Map();
  /** @type {Map<string, string>} */
  const levels = new Map();
  for (const level of Object.values(picture.levels)) {
    for (const node of level.nodes) {
      for (const path of node.paths) if (!paths.has(path)) paths.set(path, { key: level.key, node });
      if (node.level !== null && !levels.has(node.level)) levels.set(node.level, level.key);
    }
  }
  return { paths, levels };
}

/**
 * Where a layer is drawn, or the nearest around it; a layer in a later one of a run of equals is drawn in the first.
 * @param {Homes} homes
 * @param {string} path
 * @returns {Home | null}
 */
export function nearestHome({ paths }, path) {
  const parts = path.split(".");
  /** @type {Home | null} */
  let home = null;
  let at = "";
  for (const part of parts) {
    at = at ? `${at}.${part}` : part;
    const next = paths.get(at);
    if (!next) continue; // a list that holds layers is not drawn itself
    home = next;
    at = next.node.path ?? at;
  }
  return home;
}

/**
 * The levels around one and itself, the outermost first, without the root.
 * @param {Picture} picture
 * @param {Homes} homes
 * @param {string} key
 * @returns {string[]}
 */
export function wayTo(picture, homes, key) {
  /** @type {string[]} */
  const way = [];
  for (let at = key; at !== picture.root && !way.includes(at); at = homes.levels.get(at) ?? picture.root) way.push(at);
  return way.reverse();
}
