/** Where the nodes of the network stand and which links there are: pure geometry, in CSS pixels. */

import { FEATURES } from "./choices.js";

/** @typedef {import("../store.js").State} State */
/**
 * A node; layer -1 holds the inputs, `map` is its place among the maps.
 * @typedef {{ layer: number, unit: number, x: number, y: number, size: number, map: number }} Node
 */
/**
 * A link, from (x0, y0) to (x1, y1); `weight` is the place of its first piece among the weights.
 * @typedef {{
 *   layer: number, unit: number, source: number, from: Node, to: Node, weight: number, pieces: number,
 *   x0: number, y0: number, x1: number, y1: number
 * }} Link
 */
/**
 * @typedef {{
 *   width: number, height: number, size: number, columns: number[], features: Map<string, Node>,
 *   layers: Node[][], nodes: Node[], links: Link[], biases: Map<Node, number>
 * }} Layout `nodes`: every node that has a map; `biases`: index of each unit's first bias
 */

/** Node sizes by the number of nodes in the highest column, in rem. */
const SIZES = [
  { most: 10, size: 2.35, pitch: 3.1 },
  { most: 16, size: 1.65, pitch: 2.1 },
  { most: 24, size: 1.15, pitch: 1.5 },
  { most: 32, size: 0.9, pitch: 1.2 },
];
const LABEL = 3.8; // rem, left of the features' nodes
const NARROWEST = 4.1; // rem, between two columns

/**
 * Lay the network out.
 * @param {State} state
 * @param {number} available width in CSS pixels
 * @param {number} rem CSS pixels
 * @returns {Layout} at least as wide as its columns need
 */
export function layOut(state, available, rem) {
  const shapes = state.network.layers;
  const most = Math.max(FEATURES.length, ...shapes.map((shape) => shape.units));
  const chosen = SIZES.find((entry) => most <= entry.most) ?? SIZES[SIZES.length - 1];
  const size = Math.round(chosen.size * rem);
  const pitch = chosen.pitch * rem;
  const first = LABEL * rem + (SIZES[0].size * rem) / 2;
  const last = rem * 2.05;
  const step = Math.max(NARROWEST * rem, (available - first - last) / shapes.length);
  const columns = [first, ...shapes.map((_, i) => first + step * (i + 1))];
  const height = Math.max(most * pitch, FEATURES.length * SIZES[0].pitch * rem);
  const features = new Map(
    FEATURES.map((name, i) => {
      const y = (i + 0.5) * SIZES[0].pitch * rem;
      return [name, { layer: -1, unit: -1, x: first, y, size: Math.round(SIZES[0].size * rem), map: -1 }];
    }),
  );
  const inputs = state.network.features.map((name, i) =>
    Object.assign(/** @type {Node} */ (features.get(name)), { unit: i, map: i }),
  );
  let map = inputs.length;
  const layers = shapes.map((shape, layer) => {
    const isOutput = layer === shapes.length - 1;
    // The output stands beside the middle of the layer before it.
    const start = isOutput ? Math.max(0, ((shapes[layer - 1]?.units ?? FEATURES.length) - shape.units) * pitch) / 2 : 0;
    return Array.from({ length: shape.units }, (_, unit) => ({
      layer,
      unit,
      x: columns[layer + 1],
      y: start + (unit + 0.5) * pitch,
      size,
      map: map++,
    }));
  });
  return {
    width: columns[columns.length - 1] + last,
    height,
    size,
    columns,
    features,
    layers,
    nodes: [...inputs, ...layers.flat()],
    ...connect(state, inputs, layers),
  };
}

/**
 * @param {State} state
 * @param {Node[]} inputs
 * @param {Node[][]} layers
 * @returns {{ links: Link[], biases: Map<Node, number> }}
 */
function connect(state, inputs, layers) {
  /** @type {Link[]} */
  const links = [];
  /** @type {Map<Node, number>} */
  const biases = new Map();
  let sources = inputs;
  let weight = 0;
  let bias = 0;
  state.network.layers.forEach((shape, layer) => {
    for (const to of layers[layer]) {
      sources.forEach((from, source) => {
        const spread = shape.inputs > 1 ? (source / (shape.inputs - 1) - 0.5) * to.size * 0.55 : 0;
        links.push({
          layer,
          unit: to.unit,
          source,
          from,
          to,
          weight: weight + source,
          pieces: shape.pieces,
          x0: from.x + from.size / 2,
          y0: from.y,
          x1: to.x - to.size / 2,
          y1: to.y + spread,
        });
      });
      weight += shape.inputs * shape.pieces;
      biases.set(to, bias);
      bias += shape.pieces;
    }
    sources = shape.skip === "concatenate" ? [...layers[layer], ...sources] : layers[layer];
  });
  return { links, biases };
}

/**
 * The weight of a link's piece in the flat weights.
 * @param {Link} link
 * @param {number} piece
 * @param {State} state
 * @returns {number} its index
 */
export function weightIndex(link, piece, state) {
  return link.weight + piece * state.network.layers[link.layer].inputs;
}

/**
 * The link under a point.
 * @param {Layout} layout
 * @param {number} x
 * @param {number} y
 * @param {number} [reach] how near is near enough
 * @returns {Link | null}
 */
export function linkAt(layout, x, y, reach = 6) {
  let nearest = null;
  let least = reach;
  for (const link of layout.links) {
    if (x < link.x0 || x > link.x1) continue;
    const distance = Math.abs(heightAt(link, x) - y);
    if (distance < least) [nearest, least] = [link, distance];
  }
  return nearest;
}

/**
 * How high a link's curve is at `x`; its control points lie half way, so x is 1.5 t (1 - t) + t³ of the span.
 * @param {Link} link
 * @param {number} x
 * @returns {number}
 */
function heightAt(link, x) {
  const wanted = (x - link.x0) / (link.x1 - link.x0);
  let low = 0;
  let high = 1;
  for (let i = 0; i < 10; i++) {
    const t = (low + high) / 2;
    if (1.5 * t * (1 - t) + t ** 3 < wanted) low = t;
    else high = t;
  }
  return link.y0 + (link.y1 - link.y0) * low * low * (3 - 2 * low);
}
