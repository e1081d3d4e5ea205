/** What the server's trace of one point says, and where a link comes from. */

/** @typedef {[symbol: string, value: number][]} Factors */
/** @typedef {{ source: number, weight: number, input: number, product: number, gradient: number, factors: Factors, dead: boolean, frozen: boolean }} TraceLink */
/**
 * @typedef {{ bias: number, sum: number, normalized: number | null, slope: number | null, sum_gradient: number,
 *   bias_gradient: number, factors: Factors, links: TraceLink[] }} TracePiece
 */
/**
 * @typedef {{ output: number, carried: number, output_gradient: number | null, skip_gradient: number,
 *   winner: number | null, pieces: TracePiece[] }} TraceUnit
 */
/** @typedef {{ activation: string, skip: string, normalized: boolean, units: TraceUnit[] }} TraceLayer */
/**
 * @typedef {{ x: number, y: number, label: number, loss: number, outputs: number[],
 *   features: { name: string, value: number }[], layers: TraceLayer[] }} Trace
 */
/** @typedef {{ layer: number, unit: number, piece: number, source: number }} Place a link; source -1 is the bias */

/**
 * The unit that a source of a layer is: behind a concatenating skip connection it lies further back.
 * @param {Trace} trace
 * @param {number} layer
 * @param {number} source
 * @returns {{ layer: number, unit: number }} layer -1: the inputs
 */
export function originOf(trace, layer, source) {
  if (layer === 0) return { layer: -1, unit: source };
  const units = trace.layers[layer - 1].units.length;
  return source < units ? { layer: layer - 1, unit: source } : originOf(trace, layer - 1, source - units);
}

/**
 * Every link of the network in order; of a Maxout unit the links of both pieces.
 * @param {Trace} trace
 * @param {boolean} [biases] with the biases, before the links of their piece
 * @returns {Place[]}
 */
export function allPlaces(trace, biases = false) {
  return trace.layers.flatMap(({ units }, layer) =>
    units.flatMap(({ pieces }, unit) =>
      pieces.flatMap(({ links }, piece) => [...(biases ? [-1] : []), ...links.map(({ source }) => source)].map((source) => ({ layer, unit, piece, source }))),
    ),
  );
}

/**
 * The nearest link that there is: the network may have changed since one was chosen.
 * @param {Trace} trace
 * @param {Place} place
 * @returns {Place}
 */
export function nearest(trace, place) {
  const layer = Math.min(place.layer, trace.layers.length - 1);
  const { units } = trace.layers[layer];
  const unit = Math.min(place.unit, units.length - 1);
  const piece = Math.min(place.piece, units[unit].pieces.length - 1);
  return { layer, unit, piece, source: Math.min(place.source, units[unit].pieces[piece].links.length - 1) };
}

/**
 * The piece that a place belongs to.
 * @param {Trace} trace
 * @param {Place} place
 * @returns {TracePiece}
 */
export function pieceAt(trace, { layer, unit, piece }) {
  return trace.layers[layer].units[unit].pieces[piece];
}
