/** The elements of the diagram: a box for each node, a frame for each opened block, a curve for each edge. */

import { frameTitle } from "./warp.js";

/** @typedef {import("./diagram_types.js").Item} Item */
/** @typedef {import("./diagram_types.js").Wire} Wire */
/** @typedef {import("./diagram_types.js").Point} Point */
/** @typedef {{ x: number, y: number, w: number, h: number }} Box */
/**
 * @typedef {object} Drawn
 * @property {SVGGElement} group what is clicked and focused
 * @property {SVGGElement} ground below all edges: the cards behind a run of equals, the ground of an opened block
 * @property {SVGRectElement} box
 * @property {SVGGElement} text
 * @property {boolean | null} open as it was drawn last
 * @property {(item: Item) => void} update
 */

/** Font size and height of each line, as the layout measured them; where in its height a line's base is. */
const LINES = [
  [13, 17],
  [11, 15],
  [11, 15],
];
const BASELINE = 0.76;
/** Length and half the width of an arrow's head. */
const ARROW = [8, 3.6];
const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | null>} [attributes] null writes none
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svgElement(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * @param {Item} item
 * @returns {Drawn}
 */
export function makeItem({ node, place, depth }) {
  const family = `family-${node.family}`;
  const group = svgElement("g", { role: "treeitem", tabindex: -1, "data-place": place, "aria-level": depth + 1 });
  const box = svgElement("rect", { class: "box" });
  const text = svgElement("g", { class: "text", "aria-hidden": "true" });
  const cards = node.repeats > 1 ? [6, 3] : [];
  const ground = svgElement("g", {}, ...cards.map((step) => svgElement("rect", { class: "card", "data-step": step })));
  ground.append(svgElement("rect", { class: "floor" }));
  const tooltip = [node.path, ...node.lines].filter(Boolean).join(" · ");
  group.append(svgElement("title", { "aria-hidden": "true" }, tooltip), box, text);
  /** @type {Drawn} */
  const made = { group, ground, box, text, open: null, update };

  /** @param {Item} item */
  function update(item) {
    if (made.open === item.open) return;
    const coming = made.open === null && depth ? "coming" : "";
    made.open = item.open;
    const state = item.open ? "open" : node.level !== null ? "closed" : "leaf";
    const small = node.lines.length === 1 && !item.open ? "small" : "";
    group.setAttribute("class", ["item", `kind-${node.kind}`, family, state, small, coming].filter(Boolean).join(" "));
    ground.setAttribute("class", [family, state, depth % 2 ? "odd" : "even"].join(" "));
    if (node.level !== null) group.setAttribute("aria-expanded", String(item.open));
    text.replaceChildren(...(item.open ? title(item) : label(item)), ...badge(node.repeats));
  }
  return made;
}

/**
 * The lines of a closed box, about its middle.
 * @param {Item} item
 */
function label({ node, h }) {
  const lines = node.lines.slice(0, LINES.length);
  let top = (h - lines.reduce((sum, _, at) => sum + LINES[at][1], 0)) / 2;
  /** @type {SVGElement[]} */
  const made = lines.map((line, at) => {
    const [size, high] = LINES[at];
    const y = top + high * BASELINE;
    top += high;
    return svgElement("text", { class: at ? "line" : "name", y, "font-size": size, "text-anchor": "middle" }, line);
  });
  if (node.level !== null) made.push(svgElement("path", { class: "sign", d: "M-3.5 0H3.5M0 -3.5V3.5" }));
  return made;
}

/** @param {number} repeats */
function badge(repeats) {
  if (repeats < 2) return [];
  const times = `×${repeats}`;
  const width = 12 + 8 * times.length;
  return [
    svgElement("rect", { class: "badge", x: 8 - width, y: -9, width, height: 20, rx: 10 }),
    svgElement("text", { class: "badge-text", x: 8 - width / 2, y: 5.5, "font-size": 12 }, times),
  ];
}

/**
 * The line at the top of an opened block.
 * @param {Item} item
 */
function title({ node, w }) {
  const words = shortened(frameTitle(node), Math.max(Math.floor((w - 40) / 7), 8));
  return [
    svgElement("path", { class: "sign", d: "M-3.5 0H3.5" }),
    svgElement("text", { class: "name", x: 24, y: 17, "font-size": 12 }, words),
  ];
}

/**
 * The text with its middle left out where it has more than `length` characters.
 * @param {string} text
 * @param {number} length
 */
function shortened(text, length) {
  const letters = [...text];
  if (letters.length <= length) return text;
  const head = Math.floor(((length - 1) * 2) / 3);
  return `${letters.slice(0, head).join("")}…${letters.slice(head - length + 1).join("")}`;
}

/**
 * Put an item where it stands, or on its way there.
 * @param {Drawn} made
 * @param {Box} at
 */
export function drawItem(made, at) {
  const round = made.group.classList.contains("small") || /kind-(input|output|port)/.test(made.group.classList.value);
  const corner = made.open ? 10 : round ? at.h / 2 : 7;
  for (const rect of [made.box, ...made.ground.children]) {
    const step = Number(rect.getAttribute("data-step") ?? 0);
    const sides = { x: at.x + step, y: at.y + step, width: at.w, height: at.h, rx: corner };
    for (const [name, value] of Object.entries(sides)) rect.setAttribute(name, String(value));
  }
  for (const part of made.text.children) {
    const name = part.getAttribute("class");
    let [x, y] = made.open ? [at.x, at.y] : [at.x + at.w / 2, at.y];
    if (name === "sign") [x, y] = made.open ? [at.x + 13, at.y + 13] : [at.x + 10, at.y + 10];
    else if (name?.startsWith("badge")) [x, y] = [at.x + at.w, at.y];
    part.setAttribute("transform", `translate(${x} ${y})`);
  }
}

/** @param {Drawn} made */
export function removeItem(made) {
  made.group.remove();
  made.ground.remove();
}

/**
 * @param {Wire} wire
 * @returns {SVGGElement}
 */
export function makeWire(wire) {
  const group = svgElement("g", { class: `wire ${wire.edge.kind} ${wire.depth ? "coming" : ""}`.trim() });
  group.append(svgElement("path", { class: "curve" }), svgElement("path", { class: "head" }));
  if (wire.edge.label) group.append(svgElement("text", { class: "line", "font-size": 11 }, wire.edge.label));
  return group;
}

/**
 * @param {SVGGElement} group
 * @param {Wire} wire
 * @param {Point[]} points
 */
export function drawWire(group, wire, points) {
  const [curve, head, label] = group.children;
  const tip = points[points.length - 1];
  const [u, v] = direction(points);
  const [length, half] = ARROW;
  const [x, y] = [tip[0] - u * length, tip[1] - v * length];
  head.setAttribute("d", `M${tip[0]} ${tip[1]}L${x - v * half} ${y + u * half}L${x + v * half} ${y - u * half}Z`);
  /** @type {Point} */
  const end = [tip[0] - u * length * 0.7, tip[1] - v * length * 0.7];
  const through = [...points.slice(1, -1), end].map(([px, py]) => `${px} ${py}`);
  curve.setAttribute("d", `M${points[0][0]} ${points[0][1]}C${through.join(" ")}`);
  if (!label) return;
  const middle = points[Math.floor(points.length / 2)];
  label.setAttribute("x", String(middle[0] + 4));
  label.setAttribute("y", String(middle[1]));
}

/**
 * The unit vector in which a curve ends; downward where it has no length.
 * @param {Point[]} points
 * @returns {Point}
 */
function direction(points) {
  const [x, y] = points[points.length - 1];
  for (const [a, b] of points.slice(0, -1).reverse()) {
    const length = Math.hypot(x - a, y - b);
    if (length > 0.5) return [(x - a) / length, (y - b) / length];
  }
  return [0, 1];
}
