/** The one state of the playground's page: what the server said last, and who wants to know. */

/** @typedef {import("./frames.js").Frame} Frame */

/**
 * The fields of the playground's specification, as the server writes them.
 * @typedef {{
 *   problem: string, dataset: string, regression_dataset: string, train_percent: number, noise: number,
 *   batch_size: number, features: string[], hidden_layers: number[], activation: string, learning_rate: number,
 *   regularization: string, regularization_rate: number, initialization: string, seed: string,
 *   activations: string[], loss: string, classes: number, optimizer: string, batch_normalization: boolean[],
 *   skip: boolean[], dropout: number, frozen: [number, number, number][], schedule: string, schedule_epochs: number,
 *   points: [number, number, number][], weight_seed: string
 * }} Specification
 */
/**
 * @typedef {{
 *   units: number, inputs: number, pieces: number, activation: string, normalized: boolean, skip: string
 * }} LayerShape
 */
/**
 * @typedef {{
 *   specification: Specification, page: Record<string, string>, link: string,
 *   network: { layers: LayerShape[], features: string[] }, parameters?: number, history: number[],
 *   epoch: number, iteration: number, points: { train: number, test: number }, restarted?: boolean
 * }} State
 */
/** @typedef {[number, number] | null} Selection layer (-1: the inputs) and unit; null: the output */
/** @typedef {"state" | "frame" | "data" | "losses" | "selection" | "display"} Change */
/** @typedef {(change: Change) => void} Subscriber */
/** @typedef {{ epoch: number[], train: number[], test: number[] }} Losses */

class Store {
  constructor() {
    /** @type {State | null} the last state */
    this.state = null;
    /** @type {Frame | null} the last frame of kind "frame" */
    this.frame = null;
    /** @type {Uint8Array | null} the last maps of all units: a frame may come without */
    this.maps = null;
    /** @type {Frame | null} the last frame of kind "data" */
    this.data = null;
    /** @type {Losses} the curve since epoch 0 */
    this.losses = { epoch: [], train: [], test: [] };
    /** @type {Selection} the unit whose map is shown large */
    this.selection = null;
    /** @type {Record<string, string>} the display keys of the link: showTestData, discretize, `<control>_hide`… */
    this.display = {};
    /** @type {Set<Subscriber>} */
    this.subscribers = new Set();
  }

  /**
   * Be told of every change.
   * @param {Subscriber} subscriber
   * @returns {() => void} forget it
   */
  subscribe(subscriber) {
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  /** @param {Change} change */
  tell(change) {
    for (const subscriber of this.subscribers) subscriber(change);
  }

  /** @param {State} state */
  takeState(state) {
    this.state = state;
    this.tell("state");
  }

  /** @param {Selection} selection */
  select(selection) {
    this.selection = selection;
    this.tell("selection");
  }

  /** @param {Record<string, string>} display */
  takeDisplay(display) {
    this.display = display;
    this.tell("display");
  }

  /** @param {Frame} frame */
  takeFrame(frame) {
    if (frame.kind === "data") {
      this.data = frame;
      this.tell("data");
    } else if (frame.kind === "frame") {
      this.frame = frame;
      this.maps = /** @type {Uint8Array | undefined} */ (frame.arrays.maps) ?? this.maps;
      if (frame.arrays.losses) this.#append(frame.losses_from ?? 0, frame.arrays.losses);
      this.tell("frame");
    }
  }

  /**
   * @param {number} from index of the first new point: what was known from there on is replaced
   * @param {ArrayLike<number>} rows (k, 3): epoch, train, test
   */
  #append(from, rows) {
    const { epoch, train, test } = this.losses;
    if (rows.length === 0 && from >= epoch.length) return;
    for (const column of [epoch, train, test]) column.length = Math.min(column.length, from);
    for (let i = 0; i + 2 < rows.length; i += 3) {
      epoch.push(rows[i]);
      train.push(rows[i + 1]);
      test.push(rows[i + 2]);
    }
    this.tell("losses");
  }
}

/** The state of this page. */
export const store = new Store();
