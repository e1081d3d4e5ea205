/** What each control can be set to, in the order in which it offers it. */

export const LEARNING_RATES = [0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
export const REGULARIZATION_RATES = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
export const ACTIVATIONS = ["relu", "tanh", "sigmoid", "linear", "leaky_relu", "elu", "maxout"];
export const REGULARIZATIONS = ["none", "L1", "L2"];
export const PROBLEMS = ["classification", "regression"];
export const LOSSES = ["mse", "cross-entropy"];
export const OPTIMIZERS = ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"];
export const INITIALIZATIONS = ["classic", "glorot", "he", "zero"];
export const SCHEDULES = ["constant", "step", "exponential", "cosine", "warmup"];
export const DROPOUTS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
export const FEATURES = ["x", "y", "xSquared", "ySquared", "xTimesY", "sinX", "sinY", "cosX", "cosY"];
export const MAX_LAYERS = 8;
export const MAX_UNITS = 32;
export const NEW_LAYER_UNITS = 2;

/** Each data set for classification with the numbers of classes that it can have. @type {Record<string, number[]>} */
export const DATASETS = {
  circle: [2],
  xor: [2],
  gauss: [2, 3, 4, 5, 6],
  spiral: [2, 3, 4, 5, 6],
  moons: [2],
  rings: [2, 3, 4, 5, 6],
  checkerboard: [2, 3, 4, 5, 6],
  "three-spirals": [3],
};
export const REGRESSION_DATASETS = ["reg-plane", "reg-gauss", "sine"];

/** Speeds: so many minibatches, or epochs, a frame. @type {{ minibatches?: number, epochs?: number }[]} */
export const SPEEDS = [
  { minibatches: 1 },
  { minibatches: 5 },
  { epochs: 1 },
  { epochs: 2 },
  { epochs: 5 },
  { epochs: 10 },
  { epochs: 25 },
];
export const DEFAULT_SPEED = 2;
/** Frames a second that the page asks for: smooth, and thirty tabs still fit a room's network. */
export const FRAMES = 40;

/** The controls that a link can hide, by the names that TensorFlow Playground gave them, then our own. */
export const HIDABLE = [
  "showTestData",
  "discretize",
  "playButton",
  "stepButton",
  "resetButton",
  "learningRate",
  "activation",
  "regularization",
  "regularizationRate",
  "problem",
  "dataset",
  "percTrainData",
  "noise",
  "batchSize",
  "numHiddenLayers",
  "more",
  "panels",
];

/** How a feature is written. @type {Record<string, string>} */
export const FEATURE_SYMBOLS = {
  x: "X₁",
  y: "X₂",
  xSquared: "X₁²",
  ySquared: "X₂²",
  xTimesY: "X₁X₂",
  sinX: "sin(X₁)",
  sinY: "sin(X₂)",
  cosX: "cos(X₁)",
  cosY: "cos(X₂)",
};

/** The value of a feature at a point. @type {Record<string, (x: number, y: number) => number>} */
export const FEATURE_VALUES = {
  x: (x) => x,
  y: (_, y) => y,
  xSquared: (x) => x * x,
  ySquared: (_, y) => y * y,
  xTimesY: (x, y) => x * y,
  sinX: (x) => Math.sin(x),
  sinY: (_, y) => Math.sin(y),
  cosX: (x) => Math.cos(x),
  cosY: (_, y) => Math.cos(y),
};

/**
 * Values with `value` among them, where it belongs: a link may hold one that the control does not offer.
 * @param {number[]} values ascending
 * @param {number} value
 * @returns {number[]}
 */
export function including(values, value) {
  return values.includes(value) ? values : [...values, value].sort((a, b) => a - b);
}
