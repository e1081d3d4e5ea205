/**
 * Opening blocks of a picture in place, without a new layout: `compose.py` says the algorithm, and this repeats it
 * number for number.
 */

/** @typedef {import("./diagram_types.js").Picture} Picture */
/** @typedef {import("./diagram_types.js").PictureNode} PictureNode */
/** @typedef {import("./diagram_types.js").PictureEdge} PictureEdge */
/** @typedef {import("./diagram_types.js").Point} Point */
/** @typedef {import("./diagram_types.js").Item} Item */
/** @typedef {import("./diagram_types.js").Wire} Wire */
/** @typedef {import("./diagram_types.js").Composed} Composed */
/** @typedef {(value: number) => number} Stretch the map along one axis */
/** @typedef {[number, number, number]} Wanted the two ends of an opened node and the length that it needs */

const HEADER = 24;
const [TITLE_SIDE, TITLE_CHARACTER] = [40, 7.5];
const PIECES = 4;

/**
 * The picture with the levels in `opened` drawn inside the nodes that open to them.
 * @param {Picture} picture
 * @param {Set<string>} opened keys; one whose own block is hidden in a closed one changes nothing
 * @returns {Composed}
 */
export function compose(picture, opened) {
  return arranged(picture, picture.root, opened, [], null);
}

/**
 * The title of an opened block: its name and class.
 * @param {PictureNode} node
 * @returns {string}
 */
export function frameTitle(node) {
  return node.name ? `${node.name} · ${node.lines[0]}` : node.lines[0];
}

/**
 * @param {Picture} picture
 * @param {string} key
 * @param {Set<string>} opened
 * @param {string[]} above levels that are being arranged
 * @param {Item | null} parent
 * @returns {Composed}
 */
function arranged(picture, key, opened, above, parent) {
  const level = picture.levels[key];
  const within = [...above, key];
  /** @type {Map<string, Item>} */
  const items = new Map();
  /** @type {Map<Item, Composed>} */
  const inner = new Map();
  for (const node of level.nodes) {
    const to = node.level;
    const open = to !== null && opened.has(to) && !within.includes(to) && Object.hasOwn(picture.levels, to);
    const place = `${parent?.place ?? ""}/${node.id}`;
    const { x, y, w, h } = node;
    /** @type {Item} */
    const item = { place, parent, levelKey: key, depth: above.length, node, open, x, y, w, h };
    items.set(node.id, item);
    if (open) inner.set(item, arranged(picture, to, opened, within, item));
  }
  const [across, down] = maps(inner);
  /** @type {Item[]} */
  const order = [];
  for (const item of items.values()) {
    const { node } = item;
    const content = inner.get(item);
    [item.w, item.h] = content ? needed(node, content) : [node.w, node.h];
    item.x = around(across, node.x, node.w, item.w);
    item.y = around(down, node.y, node.h, item.h);
    order.push(item);
    if (!content) continue;
    const free = item.h - HEADER - content.height;
    move(content, item.x + (item.w - content.width) / 2, item.y + HEADER + free / 2);
    order.push(...content.items);
  }
  /** @type {Wire[]} */
  const wires = [];
  level.edges.forEach((edge, at) => {
    const [source, target] = [items.get(edge.source), items.get(edge.target)];
    if (!source || !target) return;
    const points = inner.size ? bent(edge, across, down, source, target) : edge.points;
    wires.push({ place: `${parent?.place ?? ""}/${at}`, source, target, depth: above.length, edge, points });
  });
  for (const content of inner.values()) wires.push(...content.wires);
  return { width: across(level.width), height: down(level.height), items: order, wires };
}

/**
 * @param {Composed} content
 * @param {number} x
 * @param {number} y
 */
function move(content, x, y) {
  for (const item of content.items) {
    item.x += x;
    item.y += y;
  }
  for (const wire of content.wires) wire.points = wire.points.map(([a, b]) => [a + x, b + y]);
}

/**
 * @param {Map<Item, Composed>} inner
 * @returns {[Stretch, Stretch]}
 */
function maps(inner) {
  /** @type {Wanted[]} */
  const across = [];
  /** @type {Wanted[]} */
  const down = [];
  for (const [{ node }, content] of inner) {
    const [width, height] = needed(node, content);
    across.push([node.x, node.x + node.w, width]);
    down.push([node.y, node.y + node.h, height]);
  }
  return [stretch(across), stretch(down)];
}

/**
 * The width and height of an opened node.
 * @param {PictureNode} node
 * @param {Composed} content
 * @returns {Point}
 */
function needed(node, content) {
  // Characters, as Python counts them.
  const title = TITLE_SIDE + TITLE_CHARACTER * [...frameTitle(node)].length;
  return [Math.max(node.w, content.width, title), HEADER + content.height];
}

/**
 * Where a node of a new length begins.
 * @param {Stretch} map
 * @param {number} low
 * @param {number} length
 * @param {number} wanted
 */
function around(map, low, length, wanted) {
  const start = map(low + length / 2) - wanted / 2;
  return Math.max(map(low), Math.min(start, map(low + length) - wanted));
}

/**
 * @param {Wanted[]} wanted in the order of the level
 * @returns {Stretch}
 */
function stretch(wanted) {
  const corners = [...new Set(wanted.flatMap(([low, high]) => [low, high]))].sort((one, other) => one - other);
  const lengths = corners.slice(1).map((corner, at) => corner - corners[at]);
  const order = [...wanted].sort((one, other) => one[1] - one[0] - (other[1] - other[0]) || one[0] - other[0]);
  for (const [low, high, needed] of order) {
    const [first, last] = [corners.indexOf(low), corners.indexOf(high)];
    const together = lengths.slice(first, last).reduce((sum, length) => sum + length, 0);
    if (needed <= together) continue;
    for (let at = first; at < last; at++) lengths[at] = (lengths[at] * needed) / together;
  }
  const images = corners.slice(0, 1);
  for (const length of lengths) images.push(images[images.length - 1] + length);
  const end = corners.length - 1;
  return (value) => {
    if (end < 0 || value <= corners[0]) return value;
    if (value >= corners[end]) return value + images[end] - corners[end];
    const piece = corners.findLastIndex((corner) => corner <= value);
    const share = (value - corners[piece]) / (corners[piece + 1] - corners[piece]);
    return images[piece] + share * (images[piece + 1] - images[piece]);
  };
}

/**
 * The points of an edge where its level is stretched; its ends stay where they were on their nodes.
 * @param {PictureEdge} edge
 * @param {Stretch} across
 * @param {Stretch} down
 * @param {Item} source
 * @param {Item} target
 * @returns {Point[]}
 */
function bent(edge, across, down, source, target) {
  const old = edge.points;
  /** @type {Point[]} */
  const points = cut(old).map(([x, y]) => [across(x), down(y)]);
  const last = points.length - 1;
  for (const [item, end, near, was] of /** @type {const} */ ([
    [source, 0, 1, old[0]],
    [target, last, last - 1, old[old.length - 1]],
  ])) {
    const { node } = item;
    const dx = onto(was[0], node.x, node.w, item.x, item.w) - points[end][0];
    const dy = onto(was[1], node.y, node.h, item.y, item.h) - points[end][1];
    for (const at of [end, near]) points[at] = [points[at][0] + dx, points[at][1] + dy];
  }
  smooth(points);
  return points;
}

/**
 * Where a coordinate of an edge's end goes, along one axis of its node.
 * @param {number} value
 * @param {number} low of the node before
 * @param {number} length
 * @param {number} newLow
 * @param {number} newLength
 */
function onto(value, low, length, newLow, newLength) {
  const off = value - low - length / 2;
  const inside = Math.max(-length / 2, Math.min(length / 2, off));
  return newLow + newLength / 2 + (inside * newLength) / length + off - inside;
}

/**
 * Put the points before and behind every joint of two cubics on one line with it, at their distances.
 * @param {Point[]} points
 */
function smooth(points) {
  for (let joint = 3; joint < points.length - 1; joint += 3) {
    const [[ax, ay], [px, py], [bx, by]] = points.slice(joint - 1, joint + 2);
    const [into, out] = [Math.hypot(px - ax, py - ay), Math.hypot(bx - px, by - py)];
    if (!into || !out) continue;
    const [dx, dy] = [(px - ax) / into + (bx - px) / out, (py - ay) / into + (by - py) / out];
    const length = Math.hypot(dx, dy);
    if (!length) continue;
    points[joint - 1] = [px - (into * dx) / length, py - (into * dy) / length];
    points[joint + 1] = [px + (out * dx) / length, py + (out * dy) / length];
  }
}

/**
 * The points of the same curve in `PIECES` times as many cubics.
 * @param {Point[]} points
 * @returns {Point[]}
 */
function cut(points) {
  const found = [points[0]];
  for (let start = 0; start < points.length - 3; start += 3) {
    let rest = points.slice(start, start + 4);
    for (let left = PIECES; left > 1; left--) {
      const [head, tail] = halves(rest, 1 / left);
      found.push(...head.slice(1));
      rest = tail;
    }
    found.push(...rest.slice(1));
  }
  return found;
}

/**
 * Cut one cubic at a share of its parameter (de Casteljau).
 * @param {Point[]} cubic
 * @param {number} share
 * @returns {[Point[], Point[]]}
 */
function halves(cubic, share) {
  const rows = [cubic];
  for (let row = cubic; row.length > 1; rows.push(row)) {
    const above = row;
    row = above.slice(1).map(([x, y], at) => {
      const [u, v] = above[at];
      return [u + share * (x - u), v + share * (y - v)];
    });
  }
  return [rows.map((row) => row[0]), rows.map((row) => row[row.length - 1]).reverse()];
}
