/** Small pictures of the data sets, from a few points of each shape: what it looks like, not what is trained on. */

import { labelColour, onColours } from "../colours.js";
import { fitCanvas } from "../dom.js";
import { store } from "../store.js";

/** @typedef {[x: number, y: number, label: number]} Point */

const COUNT = 220;

/** @param {number} seed */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** @typedef {(i: number, classes: number, random: () => number) => Point} Shape */

/** @type {(classes: number, index: number) => number} */
const labelOf = (classes, index) => (classes === 2 ? (index === 0 ? 1 : -1) : index);

/** @type {Record<string, Shape>} */
const SHAPES = {
  circle: (i, _, random) =>
    polar(i % 2 ? 3.5 + 1.5 * random() : 2.5 * random(), 2 * Math.PI * random(), i % 2 ? -1 : 1),
  xor: (_i, _k, random) => {
    const [x, y] = [10 * random() - 5, 10 * random() - 5];
    return [x + Math.sign(x) * 0.3, y + Math.sign(y) * 0.3, x * y >= 0 ? 1 : -1];
  },
  gauss: (i, classes, random) => {
    const index = i % classes;
    const bell = () => 1.6 * (random() + random() + random() - 1.5);
    const [x, y] = classes === 2 ? [index ? -2 : 2, index ? -2 : 2] : polar(3.5, (2 * Math.PI * index) / classes, 0);
    return [x + bell(), y + bell(), labelOf(classes, index)];
  },
  spiral: (i, classes) => arm(i, classes, 1.75),
  "three-spirals": (i) => arm(i, 3, 1),
  moons: (i, _, random) => {
    const sign = i % 2 ? -1 : 1;
    const [r, angle] = [2.6 + 0.8 * random(), Math.PI * random()];
    return [(r * Math.cos(angle) - 1.5) * sign, (r * Math.sin(angle) - 0.75) * sign, sign];
  },
  rings: (i, classes, random) => {
    const ring = i % classes;
    return polar((5 * (ring + 0.7 * random())) / classes, 2 * Math.PI * random(), labelOf(classes, ring));
  },
  checkerboard: (_i, classes, random) => {
    const [x, y] = [12 * random() - 6, 12 * random() - 6];
    const [column, row] = [Math.floor((x + 6) / 3), Math.floor((y + 6) / 3)];
    return [x, y, labelOf(classes, (column + (classes === 2 ? 1 : 2) * row) % classes)];
  },
  "reg-plane": (_i, _k, random) => {
    const [x, y] = [12 * random() - 6, 12 * random() - 6];
    return [x, y, (x + y) / 10];
  },
  "reg-gauss": (_i, _k, random) => {
    const [x, y] = [12 * random() - 6, 12 * random() - 6];
    const bumps = [
      [-4, 2.5, 1],
      [0, 2.5, -1],
      [4, 2.5, 1],
      [-4, -2.5, -1],
      [0, -2.5, 1],
      [4, -2.5, -1],
    ];
    const heights = bumps.map(([cx, cy, sign]) => sign * Math.max(0, 1 - Math.hypot(x - cx, y - cy) / 2));
    return [x, y, heights.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a))];
  },
  sine: (_i, _k, random) => {
    const [x, y] = [12 * random() - 6, 12 * random() - 6];
    return [x, y, Math.sin(x) * Math.cos(y / 2)];
  },
};

/**
 * @param {number} radius
 * @param {number} angle
 * @param {number} label
 * @returns {Point}
 */
function polar(radius, angle, label) {
  return [radius * Math.sin(angle), radius * Math.cos(angle), label];
}

/**
 * @param {number} i
 * @param {number} arms
 * @param {number} turns
 * @returns {Point}
 */
function arm(i, arms, turns) {
  const share = Math.floor(i / arms) / (COUNT / arms);
  return polar(5 * share, 2 * Math.PI * (turns * share + (i % arms) / arms), labelOf(arms, i % arms));
}

/**
 * Keep the picture of a data set on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {string} name
 * @param {() => number} classes
 * @returns {() => void} draw it again
 */
export function thumbnail(canvas, name, classes) {
  const draw = () => {
    const size = canvas.clientWidth || 48;
    const context = fitCanvas(canvas, size, size);
    context.clearRect(0, 0, size, size);
    const random = generator(7);
    const scale = size / 12.8;
    const count = classes();
    const own = name === "points" ? (store.state?.specification.points ?? []) : null;
    for (let i = 0; i < (own?.length ?? COUNT); i++) {
      const [x, y, label] = own ? own[i] : SHAPES[name](i, count, random);
      context.fillStyle = labelColour(label, count);
      context.beginPath();
      context.arc(size / 2 + x * scale, size / 2 - y * scale, Math.max(1, size / 40), 0, 2 * Math.PI);
      context.fill();
    }
  };
  onColours(draw);
  return draw;
}
