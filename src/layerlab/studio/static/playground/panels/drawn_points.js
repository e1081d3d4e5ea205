/** Points that a person draws: an engine without a page. Labels are class numbers from 0, or values of regression. */

/** @typedef {{ x: number, y: number, label: number }} DrawnPoint */

export const REACH = 6;
export const MOST_POINTS = 2000;
const MOST_UNDONE = 50;

/** The points, with undo. */
export class DrawnPoints {
  constructor() {
    /** @type {DrawnPoint[]} */
    this.points = [];
    /** @type {DrawnPoint[][]} */
    this.before = [];
  }

  /** Keep what there is, to go back to. */
  remember() {
    this.before.push([...this.points]);
    if (this.before.length > MOST_UNDONE) this.before.shift();
  }

  /** Go back to what was remembered last. */
  undo() {
    this.points = this.before.pop() ?? this.points;
  }

  /**
   * Add a point, moved into the square.
   * @param {number} x
   * @param {number} y
   * @param {number} label
   * @returns {boolean} false: there are as many as there may be
   */
  add(x, y, label) {
    if (this.points.length >= MOST_POINTS) return false;
    this.points.push({ x: inSquare(x), y: inSquare(y), label });
    return true;
  }

  /**
   * Take away every point nearer than `radius`.
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   * @returns {number} how many went
   */
  erase(x, y, radius) {
    const left = this.points.filter((point) => Math.hypot(point.x - x, point.y - y) > radius);
    const gone = this.points.length - left.length;
    this.points = left;
    return gone;
  }

  /**
   * Take over points as the server has them.
   * @param {ArrayLike<number>[]} rows x, y, label
   * @param {boolean} twoClasses labels are -1 and +1
   */
  take(rows, twoClasses) {
    this.remember();
    this.points = Array.from(rows, ({ 0: x, 1: y, 2: label }) => ({ x, y, label: twoClasses ? (label > 0 ? 1 : 0) : label })).slice(0, MOST_POINTS);
  }

  /**
   * The points as the server takes them.
   * @param {boolean} twoClasses labels become -1 and +1
   * @returns {[number, number, number][]}
   */
  rows(twoClasses) {
    return this.points.map(({ x, y, label }) => [x, y, twoClasses ? 2 * label - 1 : label]);
  }

  /**
   * Make the labels fit so many classes: higher ones become the last.
   * @param {number} classes
   */
  limit(classes) {
    this.points = this.points.map((point) => ({ ...point, label: Math.max(0, Math.min(classes - 1, Math.round(point.label))) }));
  }
}

/**
 * A coordinate within the square, on a grid of thousandths so that links stay short.
 * @param {number} value
 * @returns {number}
 */
export function inSquare(value) {
  return Math.round(Math.max(-REACH, Math.min(REACH, value)) * 1000) / 1000;
}
