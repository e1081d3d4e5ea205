/** The network with its numbers: every unit's output or gradient, every link's product or gradient. */

import { replace, svg } from "../../dom.js";
import { message, t } from "../../locale.js";
import { FEATURE_SYMBOLS } from "../choices.js";
import { brief } from "./numbers.js";
import { allPlaces, nearest, originOf, pieceAt } from "./trace.js";

/** @typedef {import("./trace.js").Trace} Trace */
/** @typedef {import("./trace.js").Place} Place */
/** @typedef {"forward" | "backward"} Way */
/** @typedef {{ at: (layer: number, unit: number) => [number, number], half: number, width: number, height: number }} Layout */

/** @typedef {{ x: number, y: number, half: number, tall: number }} Label its middle, half its width, and its height */

/** @typedef {number[]} Curve x and y of its two ends and the two points between that bend it */

const SHARES = [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78, 0.45, 0.55, 0.35, 0.65];
const NUMBER_HEIGHT = 17;
const SKIP_REACH = 90;
const SKIP_TOP = 4;
const MOST_DRAWN = 300;
const MOST_NUMBERED = 24;
const LEAST_STEP = 150;
const NUMBERED_STEP = 180;
const BOX = { width: 74, tall: 44, flat: 24 };

/**
 * Make the picture.
 * @param {(place: Place) => void} choose a link was pointed at or gone to
 * @returns {{ element: SVGSVGElement, draw: (trace: Trace, chosen: Place, way: Way) => void }}
 */
export function networkPicture(choose) {
  const element = svg("svg", { class: "inside-picture", tabindex: 0, role: "application", "aria-label": message("panels.inside.picture") });
  /** @type {{ trace: Trace, chosen: Place, way: Way } | null} */
  let last = null;
  new ResizeObserver(() => last && draw(last.trace, last.chosen, last.way)).observe(element);
  element.addEventListener("keydown", (event) => {
    if (!last || !["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    choose(neighbour(last.trace, last.chosen, event.key));
  });

  /**
   * @param {Trace} trace
   * @param {Place} chosen
   * @param {Way} way
   */
  function draw(trace, chosen, way) {
    last = { trace, chosen, way };
    const least = BOX.width + LEAST_STEP * trace.layers.length;
    element.style.setProperty("min-width", `${least}px`);
    const layout = layoutOf(trace, Math.max(element.clientWidth, least));
    element.setAttribute("viewBox", `0 0 ${layout.width} ${layout.height}`);
    element.setAttribute("height", String(layout.height));
    const places = allPlaces(trace);
    const drawn = places.length <= MOST_DRAWN ? places : places.filter(({ layer, unit }) => layer === chosen.layer && unit === chosen.unit);
    replace(
      element,
      drawn.map((place) => link(trace, place, layout, same(place, chosen), choose)),
      trace.features.map(({ name, value }, unit) => box(layout, -1, unit, FEATURE_SYMBOLS[name] ?? name, brief(value), false, () => {})),
      trace.layers.flatMap(({ units }, layer) =>
        units.map(({ output, output_gradient, pieces }, unit) => {
          const value = way === "forward" ? output : (output_gradient ?? pieces[0].sum_gradient);
          const symbol = way === "forward" ? "a" : output_gradient === null ? "∂L/∂z" : "∂L/∂a";
          const isChosen = layer === chosen.layer && unit === chosen.unit;
          return box(layout, layer, unit, symbol, brief(value), isChosen, () => choose(nearest(trace, { ...chosen, layer, unit })));
        }),
      ),
      linkNumbers(trace, drawn.filter((place) => isNumbered(trace, place, chosen, layout)), chosen, layout, way),
      titles(trace, layout),
    );
  }

  return { element, draw };
}

/**
 * @param {Trace} trace
 * @param {number} width
 * @returns {Layout}
 */
function layoutOf(trace, width) {
  const counts = [trace.features.length, ...trace.layers.map(({ units }) => units.length)];
  const most = Math.max(...counts, 1);
  const pitch = Math.max(30, Math.min(84, 460 / most));
  const half = (pitch > BOX.tall + 8 ? BOX.tall : BOX.flat) / 2;
  const height = most * pitch + 34;
  const step = (width - BOX.width - 4) / Math.max(1, counts.length - 1);
  return {
    at: (layer, unit) => [BOX.width / 2 + 2 + (layer + 1) * step, 30 + ((unit + 0.5) * (height - 34)) / counts[layer + 1]],
    half,
    width,
    height,
  };
}

/**
 * @param {Place} one
 * @param {Place} other
 */
function same(one, other) {
  return one.layer === other.layer && one.unit === other.unit && one.source === other.source && one.piece === other.piece;
}

/**
 * Numbers stand on every link where there is room; else on those of the chosen unit.
 * @param {Trace} trace
 * @param {Place} place
 * @param {Place} chosen
 * @param {Layout} layout
 */
function isNumbered(trace, { layer, unit, piece }, chosen, { at }) {
  const { units } = trace.layers[layer];
  const links = units.length * units[0].pieces.length * units[0].pieces[0].links.length;
  const roomy = at(0, 0)[0] - at(-1, 0)[0] >= NUMBERED_STEP && trace.layers[layer - 1]?.skip !== "concatenate";
  if (roomy && links <= MOST_NUMBERED && units[0].pieces.length === 1) return true;
  return layer === chosen.layer && unit === chosen.unit && piece === chosen.piece && units[0].pieces[0].links.length <= MOST_NUMBERED;
}

/**
 * The way of a link, from the side of one box to that of another, as the four points of a curve. One that skips layers
 * goes over them, so that it is not hidden behind their boxes.
 * @param {Trace} trace
 * @param {Place} place
 * @param {Layout} layout
 * @returns {Curve}
 */
function wayOf(trace, { layer, unit, source }, layout) {
  const from = originOf(trace, layer, source);
  const [left, y1] = layout.at(from.layer, from.unit);
  const [right, y2] = layout.at(layer, unit);
  const [x1, x2] = [left + BOX.width / 2, right - BOX.width / 2];
  if (from.layer === layer - 1) return [x1, y1, x1 + (x2 - x1) / 3, y1 + (y2 - y1) / 3, x1 + (2 * (x2 - x1)) / 3, y1 + (2 * (y2 - y1)) / 3, x2, y2];
  return [x1, y1, x1 + SKIP_REACH, SKIP_TOP, x2 - SKIP_REACH, SKIP_TOP, x2, y2];
}

/**
 * A point of a curve.
 * @param {Curve} curve
 * @param {number} share 0 to 1
 * @returns {[number, number]}
 */
function pointOf([x1, y1, x2, y2, x3, y3, x4, y4], share) {
  const rest = 1 - share;
  const weights = [rest ** 3, 3 * rest * rest * share, 3 * rest * share * share, share ** 3];
  return [weights[0] * x1 + weights[1] * x2 + weights[2] * x3 + weights[3] * x4, weights[0] * y1 + weights[1] * y2 + weights[2] * y3 + weights[3] * y4];
}

/**
 * @param {Trace} trace
 * @param {Place} place
 * @param {Layout} layout
 * @param {boolean} chosen
 * @param {(place: Place) => void} choose
 */
function link(trace, place, layout, chosen, choose) {
  const found = pieceAt(trace, place).links[place.source];
  const [x1, y1, ...others] = wayOf(trace, place, layout).map((value) => value.toFixed(1));
  const d = `M${x1} ${y1}C${others.join(" ")}`;
  const look = `inside-link${chosen ? " chosen" : ""}${found.dead ? " dead" : ""}`;
  const stroke = found.weight >= 0 ? "var(--positive)" : "var(--negative)";
  const width = Math.min(7, 1 + 2.5 * Math.abs(found.weight));
  return svg(
    "g",
    { class: look, onpointerenter: () => choose(place), onclick: () => choose(place) },
    svg("path", { class: "reach", d }),
    svg("path", { d, style: { stroke, "stroke-width": chosen ? width + 2 : width } }),
  );
}

/**
 * The numbers on the links. Each stands where it overlaps least with those before it; the chosen one chooses first.
 * @param {Trace} trace
 * @param {Place[]} places
 * @param {Place} chosen
 * @param {Layout} layout
 * @param {Way} way
 */
function linkNumbers(trace, places, chosen, layout, way) {
  const taken = boxLabels(trace, layout);
  const ordered = [...places].sort((one, other) => Number(same(other, chosen)) - Number(same(one, chosen)));
  return ordered.map((place) => {
    const isChosen = same(place, chosen);
    const said = linkText(trace, place, way, isChosen);
    const curve = wayOf(trace, place, layout);
    const half = said.length * 3.9 + 3;
    const candidates = SHARES.map((share) => {
      const [x, y] = pointOf(curve, share);
      return { x, y, half, tall: NUMBER_HEIGHT };
    });
    const label = candidates.reduce((best, next) => (overlap(next, taken) < overlap(best, taken) ? next : best));
    taken.push(label);
    return svg("text", { class: `inside-number${isChosen ? " chosen" : ""}`, x: label.x, y: label.y + 4, "text-anchor": "middle" }, said);
  });
}

/**
 * @param {Trace} trace
 * @param {Place} place
 * @param {Way} way
 * @param {boolean} chosen
 */
function linkText(trace, place, way, chosen) {
  const { weight, input, product, gradient } = pieceAt(trace, place).links[place.source];
  if (way === "backward") return brief(gradient);
  const second = input < 0 ? `(${brief(input)})` : brief(input);
  return chosen ? `${brief(weight)}·${second} = ${brief(product)}` : brief(weight);
}

/**
 * The boxes of the units, which numbers should not cover.
 * @param {Trace} trace
 * @param {Layout} layout
 * @returns {Label[]}
 */
function boxLabels(trace, { at, half }) {
  const counts = [trace.features.length, ...trace.layers.map(({ units }) => units.length)];
  return counts.flatMap((count, column) =>
    Array.from({ length: count }, (_, unit) => {
      const [x, y] = at(column - 1, unit);
      return { x, y, half: BOX.width / 2, tall: 2 * half };
    }),
  );
}

/**
 * @param {Label} label
 * @param {Label[]} others
 */
function overlap(label, others) {
  let sum = 0;
  for (const { x, y, half, tall } of others) {
    const across = label.half + half - Math.abs(label.x - x);
    const down = (label.tall + tall) / 2 - Math.abs(label.y - y);
    if (across > 0 && down > 0) sum += across * down;
  }
  return sum;
}

/**
 * @param {Layout} layout
 * @param {number} layer
 * @param {number} unit
 * @param {string} symbol
 * @param {string} value
 * @param {boolean} chosen
 * @param {() => void} onclick
 */
function box({ at, half }, layer, unit, symbol, value, chosen, onclick) {
  const [x, y] = at(layer, unit);
  const both = half > BOX.flat / 2;
  return svg(
    "g",
    { class: `inside-unit${chosen ? " chosen" : ""}`, onclick },
    svg("rect", { x: x - BOX.width / 2, y: y - half, width: BOX.width, height: 2 * half, rx: 6 }),
    both && svg("text", { class: "symbol", x, y: y - 6, "text-anchor": "middle" }, symbol),
    svg("text", { class: "value", x, y: both ? y + 13 : y + 4.5, "text-anchor": "middle" }, both || layer >= 0 ? value : `${symbol} ${value}`),
  );
}

/**
 * @param {Trace} trace
 * @param {Layout} layout
 */
function titles(trace, layout) {
  const names = [t("panels.inside.inputs"), ...trace.layers.map(({ activation }) => t(`panels.activation.${activation}`))];
  return names.map((name, i) => svg("text", { class: "inside-title", x: layout.at(i - 1, 0)[0], y: 14, "text-anchor": "middle" }, name));
}

/**
 * The link that an arrow key leads to: up and down through the links of a layer, left and right between layers.
 * @param {Trace} trace
 * @param {Place} chosen
 * @param {string} key
 * @returns {Place}
 */
function neighbour(trace, chosen, key) {
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const layer = Math.max(0, Math.min(trace.layers.length - 1, chosen.layer + (key === "ArrowLeft" ? -1 : 1)));
    return nearest(trace, { ...chosen, layer });
  }
  const places = allPlaces(trace, true).filter(({ layer }) => layer === chosen.layer);
  const at = places.findIndex((place) => same(place, chosen));
  return places[Math.max(0, Math.min(places.length - 1, at + (key === "ArrowDown" ? 1 : -1)))];
}
