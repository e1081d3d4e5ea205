/** From where things stood to where they stand, a share of the way. */

/** @typedef {{ x: number, y: number, w: number, h: number }} Box */

/**
 * @param {Box} start
 * @param {Box} end
 * @param {number[]} shift
 * @param {number} share
 * @returns {Box}
 */
export function between(start, end, [dx, dy], share) {
  const at = (/** @type {number} */ from, /** @type {number} */ to) => from + (to - from) * share;
  return {
    x: at(start.x + dx, end.x),
    y: at(start.y + dy, end.y),
    w: at(start.w, end.w),
    h: at(start.h, end.h),
  };
}

/**
 * @param {[number, number]} start
 * @param {[number, number]} end
 * @param {number[]} shift
 * @param {number} share
 * @returns {[number, number]}
 */
export function mix([x, y], [u, v], [dx, dy], share) {
  return [x + dx + (u - x - dx) * share, y + dy + (v - y - dy) * share];
}
