/** What a frame of kind "seeds" says, one entry a seed. */

/** @typedef {import("../../frames.js").Frame} Frame */
/**
 * @typedef {object} Seed
 * @property {string} name
 * @property {number[]} epoch
 * @property {number[]} train
 * @property {number[]} test
 * @property {{ train: number, test: number }} final
 * @property {boolean} diverged
 */
/**
 * @typedef {object} SeedResults
 * @property {Seed[]} seeds
 * @property {Uint8Array} maps one after another, `side` by `side` each
 * @property {number} side
 * @property {number} epochs
 * @property {number} done
 * @property {boolean} finished
 */

/**
 * Read a frame.
 * @param {Frame} frame
 * @returns {SeedResults}
 */
export function readSeeds(frame) {
  const { curves, maps, final } = frame.arrays;
  const [count, points] = frame.shapes.curves;
  const seeds = Array.from({ length: count }, (_, i) => readSeed(frame, curves.subarray(i * points * 3, (i + 1) * points * 3), i));
  for (const [i, seed] of seeds.entries()) seed.final = { train: final[2 * i], test: final[2 * i + 1] };
  return {
    seeds,
    maps: new Uint8Array(maps),
    side: frame.shapes.maps[1],
    epochs: frame.epochs,
    done: frame.done,
    finished: frame.finished ?? frame.done === frame.total,
  };
}

/**
 * Read one curve; where its rows have no epoch it has not come to them yet.
 * @param {Frame} frame
 * @param {ArrayLike<number>} rows
 * @param {number} index
 * @returns {Seed}
 */
function readSeed(frame, rows, index) {
  /** @type {Seed} */
  const seed = { name: String(frame.seeds?.[index] ?? index), epoch: [], train: [], test: [], final: { train: NaN, test: NaN }, diverged: false };
  for (let i = 0; i + 2 < rows.length; i += 3) {
    if (!Number.isFinite(rows[i])) break;
    seed.epoch.push(rows[i]);
    seed.train.push(rows[i + 1]);
    seed.test.push(rows[i + 2]);
  }
  seed.diverged = seed.train.length > 0 && !Number.isFinite(seed.train[seed.train.length - 1]);
  return seed;
}
