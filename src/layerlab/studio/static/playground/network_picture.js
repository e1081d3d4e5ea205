/** The network's picture: links as curves by weight on one canvas, a live map in every node on another above it. */

import { colourOf, lookup, paint, probabilityLookup } from "../colours.js";
import { FEATURES, FEATURE_VALUES } from "./choices.js";
import { weightIndex } from "./layout.js";

/** @typedef {import("../store.js").State} State */
/** @typedef {import("../frames.js").Frame} Frame */
/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./layout.js").Link} Link */
/** @typedef {import("./layout.js").Node} Node */

const SIDE = 50;
const THICKEST = 10;

const sheet = document.createElement("canvas");
sheet.width = SIDE;
const sheetContext = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
/** @type {ImageData} */
let pixels = sheetContext.createImageData(SIDE, SIDE);

/**
 * @typedef {{ layout: Layout, state: State, frame: Frame | null, maps: Uint8Array | null, discretized: boolean,
 *   marked: Link | null, ink: string }} Picture
 */

/**
 * Draw the nodes of one frame: maps and biases.
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {Picture} picture
 */
export function drawNodes(context, picture) {
  const { layout, state, frame, maps } = picture;
  context.clearRect(0, 0, layout.width, layout.height);
  drawMaps(context, layout, state, maps, picture.discretized);
  if (frame) drawBiases(context, layout, state, frame, picture.ink);
}

/**
 * The number that a link is drawn by: of Maxout's two pieces the larger in size.
 * @param {Link} link
 * @param {State} state
 * @param {ArrayLike<number>} weights
 * @returns {number}
 */
function strongest(link, state, weights) {
  const first = weights[link.weight];
  if (link.pieces === 1) return first;
  const second = weights[weightIndex(link, 1, state)];
  return Math.abs(second) > Math.abs(first) ? second : first;
}

/**
 * Draw the links of one frame.
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {Picture} picture
 */
export function drawLinks(context, { layout, state, frame, marked, ink }) {
  context.clearRect(0, 0, layout.width, layout.height);
  if (!frame) return;
  const { weights, dead, frozen } = frame.arrays;
  for (const link of layout.links) {
    const value = strongest(link, state, weights);
    if (link === marked) {
      context.strokeStyle = ink;
      context.lineWidth = thickness(value) + 4;
      trace(context, link);
    }
    if (dead[link.weight]) {
      context.setLineDash([2, 5]);
      context.strokeStyle = ink;
      context.globalAlpha = 0.35;
      context.lineWidth = 1;
      trace(context, link);
      context.setLineDash([]);
      context.globalAlpha = 1;
      continue;
    }
    context.strokeStyle = colourOf(
      Math.abs(value) < 1 ? Math.sign(value) * (0.25 + 0.45 * Math.abs(value)) : Math.sign(value) * 0.7,
    );
    context.lineWidth = thickness(value);
    trace(context, link);
    if (frozen[link.weight]) drawLock(context, (link.x0 + link.x1) / 2, (link.y0 + link.y1) / 2, ink);
  }
}

/** @param {number} weight */
function thickness(weight) {
  return 0.75 + (THICKEST - 0.75) * Math.min(1, Math.abs(weight) / 5);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Link} link
 */
function trace(context, { x0, y0, x1, y1 }) {
  const middle = (x0 + x1) / 2;
  context.beginPath();
  context.moveTo(x0, y0);
  context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {string} ink
 */
function drawLock(context, x, y, ink) {
  context.fillStyle = ink;
  context.fillRect(x - 4, y - 1.5, 8, 6.5);
  context.strokeStyle = ink;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x, y - 1.5, 2.7, Math.PI, 0);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Layout} layout
 * @param {State} state
 * @param {Uint8Array | null} maps
 * @param {boolean} discretized
 */
function drawMaps(context, layout, state, maps, discretized) {
  const through = lookup(discretized);
  context.imageSmoothingEnabled = !discretized;
  for (const name of FEATURES) {
    const node = /** @type {Node} */ (layout.features.get(name));
    if (node.unit < 0) drawMap(context, node, featureMap(name), 0, through, 0.45);
  }
  const size = SIDE * SIDE;
  if (!maps || maps.length !== layout.nodes.length * size) return;
  const classes = state.network.layers[state.network.layers.length - 1].units;
  for (const node of layout.nodes) {
    const ofClass = classes > 1 && node.layer === state.network.layers.length - 1;
    drawMap(context, node, maps, node.map * size, ofClass ? probabilityLookup(classes, node.unit) : through, 1);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Node} node
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {Uint32Array} through
 * @param {number} alpha
 */
function drawMap(context, node, bytes, start, through, alpha) {
  paint(pixels, bytes, through, start);
  if (sheet.height !== SIDE) sheet.height = SIDE;
  sheetContext.putImageData(pixels, 0, 0);
  context.globalAlpha = alpha;
  context.drawImage(sheet, node.x - node.size / 2, node.y - node.size / 2, node.size, node.size);
  context.globalAlpha = 1;
}

/** @type {Map<string, Uint8Array>} */
const featureMaps = new Map();

/**
 * The map of a feature that is no input now: the server knows nothing of it.
 * @param {string} name
 * @returns {Uint8Array}
 */
function featureMap(name) {
  const known = featureMaps.get(name);
  if (known) return known;
  const bytes = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const x = -6 + (12 * (i % SIDE)) / (SIDE - 1);
    const y = 6 - (12 * Math.floor(i / SIDE)) / (SIDE - 1);
    return Math.round(127.5 * (1 + Math.min(1, Math.max(-1, FEATURE_VALUES[name](x, y)))));
  });
  featureMaps.set(name, bytes);
  return bytes;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Layout} layout
 * @param {State} state
 * @param {Frame} frame
 * @param {string} ink
 */
function drawBiases(context, layout, state, frame, ink) {
  const { biases, frozen_biases: frozen } = frame.arrays;
  for (const [node, index] of layout.biases) {
    if (node.size < 18) continue;
    const side = biasSide(node);
    const left = node.x - node.size / 2 - side - 1;
    const top = node.y + node.size / 2 - side;
    context.fillStyle = colourOf(biases[index] * 0.8);
    context.fillRect(left, top, side, side);
    context.strokeStyle = ink;
    context.lineWidth = frozen?.[index] ? 2 : 0.6;
    context.strokeRect(left, top, side, side);
  }
}

/**
 * The side of the square that shows a unit's bias, left of its lower corner.
 * @param {Node} node
 * @returns {number}
 */
export function biasSide(node) {
  return Math.round(node.size * 0.22);
}
