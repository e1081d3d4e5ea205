/** Where the arrow keys lead: along the edges, in and out of opened blocks, and sideways among parallel branches. */

/** @typedef {import("./diagram_types.js").Composed} Composed */
/** @typedef {import("./diagram_types.js").Item} Item */

/**
 * The item that a key leads to, or null where there is none.
 * @param {Composed} composed
 * @param {Item} from
 * @param {string} key
 * @returns {Item | null}
 */
export function walk(composed, from, key) {
  if (key === "ArrowDown") return down(composed, from);
  if (key === "ArrowUp") return up(composed, from);
  if (key === "ArrowRight") return sideways(composed, from, 1);
  if (key === "ArrowLeft") return sideways(composed, from, -1);
  if (key === "Home") return composed.items[0] ?? null;
  if (key === "End") return composed.items.at(-1) ?? null;
  return null;
}

/**
 * @param {Composed} composed
 * @param {Item} from
 */
function down(composed, from) {
  if (from.open) {
    const first = ends(composed, from, "target")[0];
    if (first) return first;
  }
  /** @type {Item | null} */
  let item = from;
  // The last one inside a block leads on to what follows the block.
  for (; item; item = item.parent) {
    const next = nearest(neighbours(composed, item, "target"), from);
    if (next) return next;
  }
  return null;
}

/**
 * @param {Composed} composed
 * @param {Item} from
 */
function up(composed, from) {
  const before = nearest(neighbours(composed, from, "source"), from);
  if (!before) return from.parent;
  let item = before;
  // What comes before is a block that is open: its last part is nearer than its title.
  while (item.open) {
    const last = ends(composed, item, "source").at(-1);
    if (!last) break;
    item = last;
  }
  return item;
}

/**
 * The items that an edge leads to or comes from; the plain ones first, for a skip passes over the way.
 * @param {Composed} composed
 * @param {Item} item
 * @param {"source" | "target"} end
 */
function neighbours(composed, item, end) {
  const other = end === "target" ? "source" : "target";
  const wires = composed.wires.filter((wire) => wire[other] === item);
  const plain = wires.filter((wire) => wire.edge.kind !== "skip");
  return (plain.length ? plain : wires).map((wire) => wire[end]);
}

/**
 * The parts of an opened block that nothing inside comes before ("target": where one enters) or after.
 * @param {Composed} composed
 * @param {Item} block
 * @param {"source" | "target"} end
 */
function ends(composed, block, end) {
  const inside = composed.items.filter((item) => item.parent === block);
  const taken = new Set(composed.wires.map((wire) => wire[end]));
  return inside.filter((item) => !taken.has(item)).sort((one, other) => one.y - other.y || one.x - other.x);
}

/**
 * The one whose middle is nearest from left to right; of equals the first down the page.
 * @param {Item[]} items
 * @param {Item} from
 * @returns {Item | null}
 */
function nearest(items, from) {
  const x = middle(from);
  const sorted = [...items].sort(
    (one, other) => Math.abs(middle(one) - x) - Math.abs(middle(other) - x) || one.y - other.y,
  );
  return sorted[0] ?? null;
}

/**
 * The next item of the same level at the same height.
 * @param {Composed} composed
 * @param {Item} from
 * @param {1 | -1} way
 * @returns {Item | null}
 */
function sideways(composed, from, way) {
  const beside = composed.items.filter(
    (item) =>
      item !== from &&
      item.parent === from.parent &&
      way * (middle(item) - middle(from)) > 0 &&
      item.y < from.y + from.h &&
      item.y + item.h > from.y,
  );
  return nearest(beside, from);
}

/** @param {Item} item */
function middle(item) {
  return item.x + item.w / 2;
}
