/** Changes of a specification that take others with them: pure functions from a specification to its changed fields. */

import { DATASETS, MAX_LAYERS, MAX_UNITS, NEW_LAYER_UNITS } from "./choices.js";

/** @typedef {import("../store.js").Specification} Specification */
/** @typedef {Partial<Specification>} Changes */

/** @typedef {{ units: number, activation: string, normalized: boolean, skip: boolean }} Layer */

/**
 * The hidden layers, each with what is its own.
 * @param {Specification} specification
 * @returns {Layer[]}
 */
export function layersOf(specification) {
  return specification.hidden_layers.map((units, i) => ({
    units,
    activation: specification.activations[i] ?? specification.activation,
    normalized: specification.batch_normalization[i] ?? false,
    skip: specification.skip[i] ?? false,
  }));
}

/**
 * The fields that hold these layers. Frozen weights belong to the network as it was, so they go.
 * @param {Specification} specification
 * @param {Layer[]} layers
 * @returns {Changes}
 */
function holding(specification, layers) {
  const own = layers.some((layer) => layer.activation !== specification.activation);
  return {
    hidden_layers: layers.map((layer) => layer.units),
    activations: own ? layers.map((layer) => layer.activation) : [],
    batch_normalization: layers.some((layer) => layer.normalized) ? layers.map((layer) => layer.normalized) : [],
    skip: layers.some((layer) => layer.skip) ? layers.map((layer) => layer.skip) : [],
    frozen: [],
  };
}

/**
 * @param {Specification} specification
 * @returns {Changes | null} null: there are as many as there can be
 */
export function addLayer(specification) {
  const layers = layersOf(specification);
  if (layers.length >= MAX_LAYERS) return null;
  const plain = { activation: specification.activation, normalized: false, skip: false };
  return holding(specification, [...layers, { units: NEW_LAYER_UNITS, ...plain }]);
}

/**
 * @param {Specification} specification
 * @returns {Changes | null} null: there is none
 */
export function removeLayer(specification) {
  const layers = layersOf(specification);
  return layers.length === 0 ? null : holding(specification, layers.slice(0, -1));
}

/**
 * @param {Specification} specification
 * @param {number} index
 * @param {number} by +1 or -1
 * @returns {Changes | null} null: no more, or no fewer
 */
export function resizeLayer(specification, index, by) {
  const layers = layersOf(specification);
  const units = (layers[index]?.units ?? 0) + by;
  if (!layers[index] || units < 1 || units > MAX_UNITS) return null;
  return changeLayer(specification, index, { units });
}

/**
 * @param {Specification} specification
 * @param {number} index
 * @param {Partial<Layer>} change
 * @returns {Changes}
 */
export function changeLayer(specification, index, change) {
  const layers = layersOf(specification);
  layers[index] = { ...layers[index], ...change };
  return holding(specification, layers);
}

/**
 * Give every hidden layer the same activation.
 * @param {string} activation
 * @returns {Changes}
 */
export function chooseActivation(activation) {
  return { activation, activations: [] };
}

/**
 * @param {Specification} specification
 * @param {string} feature
 * @returns {Changes}
 */
export function toggleFeature(specification, feature) {
  const has = specification.features.includes(feature);
  const features = has
    ? specification.features.filter((name) => name !== feature)
    : [...specification.features, feature];
  return { features, frozen: [] };
}

/**
 * @param {Specification} specification
 * @param {string} problem
 * @returns {Changes}
 */
export function chooseProblem(specification, problem) {
  if (problem !== "regression") return { problem, frozen: [] };
  const dataset =
    specification.dataset === "three-spirals" || specification.dataset === "points" ? "circle" : specification.dataset;
  return { problem, loss: "mse", classes: 2, dataset, frozen: [] };
}

/**
 * @param {Specification} specification
 * @param {string} name
 * @returns {Changes}
 */
export function chooseDataset(specification, name) {
  if (specification.problem === "regression") return { regression_dataset: name };
  const possible = DATASETS[name] ?? [specification.classes];
  const classes = possible.includes(specification.classes) ? specification.classes : possible[0];
  return classes === specification.classes ? { dataset: name } : { dataset: name, classes, frozen: [] };
}

/**
 * @param {Specification} specification
 * @param {number} classes
 * @returns {Changes} with a data set that has so many, where the present one has not
 */
export function chooseClasses(specification, classes) {
  const fits = (DATASETS[specification.dataset] ?? []).includes(classes);
  return fits ? { classes, frozen: [] } : { classes, dataset: classes === 2 ? "circle" : "gauss", frozen: [] };
}
