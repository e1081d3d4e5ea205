/** Binary frames: `uint32 header length | header JSON | body`, the body's arrays read in place. */

/** @typedef {Uint8Array | Float32Array | Float64Array} NumberArray */
/** @typedef {{ name: string, dtype: "u1" | "f4" | "f8", shape: number[], offset: number }} ArrayEntry */
/**
 * One frame: the header's scalars as fields, the arrays by name.
 * @typedef {{ kind: string, arrays: Record<string, NumberArray>, shapes: Record<string, number[]> }
 *   & Record<string, any>} Frame
 */

const TYPES = { u1: Uint8Array, f4: Float32Array, f8: Float64Array };

/**
 * Read one frame. The arrays are views into `buffer`.
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 * @throws {RangeError} when the buffer is shorter than its header says
 */
export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const body = 4 + length;
  /** @type {Record<string, NumberArray>} */
  const arrays = {};
  /** @type {Record<string, number[]>} */
  const shapes = {};
  for (const entry of /** @type {ArrayEntry[]} */ (header.arrays ?? [])) {
    const size = entry.shape.reduce((product, extent) => product * extent, 1);
    arrays[entry.name] = new TYPES[entry.dtype](buffer, body + entry.offset, size);
    shapes[entry.name] = entry.shape;
  }
  return { ...header, arrays, shapes };
}
