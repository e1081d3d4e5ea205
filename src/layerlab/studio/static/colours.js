/** Colours for values: diverging scales as lookup tables, categorical colours for classes, all by theme. */

import { recall, remember } from "./preferences.js";

/** @typedef {"blue-orange" | "green-purple"} ScaleName */
/** @typedef {[number, number, number]} Rgb */

/** The scales to choose from; the first is the default. All can be told apart by the colour-blind. */
export const SCALES = /** @type {const} */ (["blue-orange", "green-purple"]);

/**
 * Each scale from -1 over 0 to +1, on a light and on a dark page.
 * @type {Record<ScaleName, Record<"light" | "dark", Rgb[]>>}
 */
const STOPS = {
  "blue-orange": {
    light: [
      [197, 92, 8],
      [245, 147, 34],
      [250, 202, 148],
      [238, 240, 242],
      [140, 195, 230],
      [8, 119, 189],
      [4, 74, 128],
    ],
    dark: [
      [255, 190, 110],
      [240, 142, 40],
      [143, 84, 30],
      [34, 40, 48],
      [28, 92, 140],
      [47, 146, 222],
      [140, 205, 255],
    ],
  },
  "green-purple": {
    light: [
      [91, 32, 120],
      [142, 75, 168],
      [205, 172, 218],
      [240, 240, 240],
      [156, 211, 158],
      [38, 141, 72],
      [0, 88, 40],
    ],
    dark: [
      [224, 176, 245],
      [178, 110, 208],
      [100, 58, 122],
      [36, 38, 42],
      [34, 98, 58],
      [58, 164, 92],
      [150, 226, 160],
    ],
  },
};

/** Okabe and Ito's colours and Tol's, in an order in which neighbours differ most. @type {Record<ScaleName, Rgb[]>} */
const CLASSES = {
  "blue-orange": [
    [0, 114, 178],
    [230, 159, 0],
    [0, 158, 115],
    [204, 121, 167],
    [86, 180, 233],
    [213, 94, 0],
  ],
  "green-purple": [
    [34, 136, 51],
    [170, 51, 119],
    [204, 187, 68],
    [68, 119, 170],
    [238, 102, 119],
    [102, 204, 238],
  ],
};

/** Maps take this much of a scale, so that points, which take all of it, stand out from the map under them. */
const MAP_SHARE = 0.72;

/** @type {Set<() => void>} */
const listeners = new Set();
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => apply());

/** @type {ScaleName} */
let scale = SCALES.find((name) => name === recall("scale", "")) ?? SCALES[0];
/** @type {Uint32Array} */
const table = new Uint32Array(256);
/** @type {Uint32Array} */
const halves = new Uint32Array(256);
/** @type {Map<number, Uint32Array>} */
const classTables = new Map();
/** @type {Map<number, Uint32Array>} */
const probabilityTables = new Map();

/** @returns {"light" | "dark"} the theme on the screen */
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "dark" || (chosen !== "light" && dark.matches) ? "dark" : "light";
}

/**
 * Choose the theme.
 * @param {string} name `light`, `dark`, or `auto` for the system's
 */
export function setTheme(name) {
  document.documentElement.dataset.theme = name;
  remember("theme", name);
  apply();
}

/** @returns {string} the theme chosen: `light`, `dark` or `auto` */
export function chosenTheme() {
  return recall("theme", "auto");
}

/** @returns {ScaleName} */
export function scaleName() {
  return scale;
}

/** @param {ScaleName} name */
export function setScale(name) {
  scale = name;
  remember("scale", name);
  apply();
}

/**
 * Call `listener` whenever the theme or the scale changed.
 * @param {() => void} listener
 * @returns {() => void} forget it
 */
export function onColours(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Build the tables of the present theme and scale, and tell everyone. */
export function apply() {
  for (let i = 0; i < 256; i++) {
    table[i] = packed(mix(MAP_SHARE * (i / 127.5 - 1)));
    halves[i] = packed(mix(i >= 128 ? 0.55 : -0.55));
  }
  classTables.clear();
  probabilityTables.clear();
  const root = document.documentElement;
  root.dataset.scale = scale;
  root.style.setProperty("--positive", colourOf(0.8));
  root.style.setProperty("--negative", colourOf(-0.8));
  root.style.setProperty("--neutral", colourOf(0));
  for (const listener of listeners) listener();
}

/**
 * The table that turns a byte (0: -1, 255: +1) into a pixel of ImageData read as Uint32.
 * @param {boolean} [discretized] only the sign
 * @returns {Uint32Array} 256 entries
 */
export function lookup(discretized = false) {
  return discretized ? halves : table;
}

/**
 * The colour of a value as CSS writes it.
 * @param {number} value in [-1, 1], clamped
 * @returns {string}
 */
export function colourOf(value) {
  return css(mix(value));
}

/**
 * The colour of a class.
 * @param {number} index from 0
 * @returns {string}
 */
export function classColour(index) {
  return css(classRgb(index));
}

/**
 * The colour of a point's label.
 * @param {number} label
 * @param {number} classes 2 takes the diverging scale's ends: regression too
 * @returns {string}
 */
export function labelColour(label, classes) {
  return classes > 2 ? classColour(label) : colourOf(label);
}

/**
 * The table of an argmax map: class index times 256 plus confidence into a pixel.
 * @param {number} classes
 * @returns {Uint32Array} classes * 256 entries
 */
export function classLookup(classes) {
  const known = classTables.get(classes);
  if (known) return known;
  const ground = STOPS[scale][theme()][3];
  const found = new Uint32Array(classes * 256);
  for (let index = 0; index < classes; index++) {
    for (let confidence = 0; confidence < 256; confidence++) {
      const share = 0.15 + (0.85 * confidence) / 255;
      found[index * 256 + confidence] = packed(between(ground, classRgb(index), share));
    }
  }
  classTables.set(classes, found);
  return found;
}

/**
 * The table of one class's own map: its probability, 0 at byte 128 and 1 at 255, in its colour.
 * @param {number} classes
 * @param {number} index
 * @returns {Uint32Array} 256 entries
 */
export function probabilityLookup(classes, index) {
  const name = classes * 8 + index;
  const known = probabilityTables.get(name);
  if (known) return known;
  const all = classLookup(classes);
  const found = Uint32Array.from(
    { length: 256 },
    (_, byte) => all[index * 256 + Math.min(255, Math.max(0, 2 * (byte - 128)))],
  );
  probabilityTables.set(name, found);
  return found;
}

/**
 * Paint bytes through a table into pixels.
 * @param {ImageData} image
 * @param {ArrayLike<number>} bytes
 * @param {Uint32Array} through
 * @param {number} [start] of the bytes
 */
export function paint(image, bytes, through, start = 0) {
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = through[bytes[start + i]];
}

/** @param {number} index */
function classRgb(index) {
  const colours = CLASSES[scale];
  const colour = colours[((Math.round(index) % colours.length) + colours.length) % colours.length];
  return theme() === "dark" ? between(colour, [255, 255, 255], 0.2) : colour;
}

/**
 * @param {number} value
 * @returns {Rgb}
 */
function mix(value) {
  const stops = STOPS[scale][theme()];
  const place = ((Math.min(1, Math.max(-1, value || 0)) + 1) / 2) * (stops.length - 1);
  const left = Math.min(stops.length - 2, Math.floor(place));
  return between(stops[left], stops[left + 1], place - left);
}

/**
 * @param {Rgb} from
 * @param {Rgb} to
 * @param {number} share
 * @returns {Rgb}
 */
function between(from, to, share) {
  return [channel(from[0], to[0], share), channel(from[1], to[1], share), channel(from[2], to[2], share)];
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} share
 */
function channel(from, to, share) {
  return Math.round(from + (to - from) * share);
}

/** @param {Rgb} rgb */
function packed([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** @param {Rgb} rgb */
function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}
