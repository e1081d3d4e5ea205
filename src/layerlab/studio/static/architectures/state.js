/** What is looked at, and the address that says the same. No DOM here. */

/** @typedef {import("./api.js").Control} Control */
/** @typedef {import("./api.js").Model} Model */
/** @typedef {import("./api.js").Network} Network */
/** @typedef {import("./api.js").Value} Value */
/** @typedef {"diagram" | "scale" | "table"} View */
/**
 * @typedef {object} State
 * @property {string} model the name that is chosen, also while Keras text is looked at
 * @property {string | null} keras the text, or null: the model of the zoo
 * @property {Record<string, Value>} knobs those that are not as the model has them
 * @property {number[] | null} input null: the model's own
 * @property {View} view
 * @property {string | null} layer path of the layer that is explained
 * @property {string | null} pin the network that all are compared with: `resnet20:width=0.5@3x32x32`
 */

export const FIRST = "resnet20";
/** Longer texts are left out of the address: browsers and messengers cut long ones. */
export const MOST_TEXT = 6000;
const VIEWS = /** @type {const} */ (["diagram", "scale", "table"]);
const WHOLE = /^\d{1,7}$/;

/**
 * @param {string} search
 * @param {string} hash
 * @param {(name: string) => Model | undefined} find
 * @returns {State}
 */
export function readAddress(search, hash, find) {
  const query = new URLSearchParams(search);
  const model = query.get("model") ?? FIRST;
  const known = find(model);
  const keras = new URLSearchParams(hash.replace(/^#/, "")).get("keras");
  /** @type {Record<string, Value>} */
  const knobs = {};
  for (const control of known?.controls ?? []) {
    const written = query.get(control.name);
    if (written === null) continue;
    const value = readValue(written, control);
    if (value !== control.default) knobs[control.name] = value;
  }
  return {
    model,
    keras: keras === null ? null : keras.slice(0, 20_000),
    knobs,
    input: readSize(query.get("input") ?? ""),
    view: VIEWS.find((view) => view === query.get("view")) ?? "diagram",
    layer: query.get("layer"),
    pin: query.get("pin"),
  };
}

/**
 * @param {State} state
 * @returns {string} search and hash
 */
export function writeAddress(state) {
  const query = new URLSearchParams({ tab: "architectures" });
  if (state.keras === null) {
    query.set("model", state.model);
    for (const [name, value] of Object.entries(state.knobs)) query.set(name, String(value));
  }
  if (state.input) query.set("input", writeSize(state.input));
  if (state.view !== "diagram") query.set("view", state.view);
  if (state.layer !== null) query.set("layer", state.layer);
  if (state.pin !== null) query.set("pin", state.pin);
  const fits = state.keras !== null && state.keras.length <= MOST_TEXT;
  return `?${readable(query)}${fits ? `#${new URLSearchParams({ keras: state.keras ?? "" })}` : ""}`;
}

/** @param {URLSearchParams} query */
function readable(query) {
  return query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%40", "@").replaceAll("%3D", "=");
}

/**
 * @param {string} written
 * @param {Control} control
 * @returns {Value} the text itself where it is no such value: the server says what is wrong with it
 */
export function readValue(written, control) {
  if (control.kind === "switch") return written === "true" ? true : written === "false" ? false : written;
  if (control.kind === "choice") {
    const at = control.choices.findIndex((choice) => String(choice) === written);
    return at < 0 ? written : control.choices[at]; // null may be a choice
  }
  const number = Number(written.replace(",", "."));
  return written.trim() !== "" && Number.isFinite(number) ? number : written;
}

/**
 * `3x32x32` (also with ×, commas or spaces) as numbers.
 * @param {string} written
 * @returns {number[] | null} null where it is no size
 */
export function readSize(written) {
  const parts = written.trim().split(/\s*[x×,]\s*|\s+/i);
  return parts.length <= 4 && parts.every((part) => WHOLE.test(part) && Number(part) > 0) ? parts.map(Number) : null;
}

/** @param {number[]} size */
export function writeSize(size) {
  return size.join("x");
}

/**
 * The network that a state asks for.
 * @param {State} state
 * @returns {Network}
 */
export function networkOf(state) {
  if (state.keras !== null) return { model: null, keras: state.keras, knobs: {}, input: state.input };
  return { model: state.model, keras: null, knobs: state.knobs, input: state.input };
}

/**
 * A network as one word, for the address; null for a text, which is too long for one.
 * @param {State} state
 * @returns {string | null}
 */
export function writePin(state) {
  if (state.keras !== null) return null;
  const knobs = Object.entries(state.knobs).map(([name, value]) => `${name}=${value}`);
  return `${state.model}${knobs.length ? `:${knobs.join(",")}` : ""}${state.input ? `@${writeSize(state.input)}` : ""}`;
}

/**
 * @param {string} pin
 * @param {(name: string) => Model | undefined} find
 * @returns {Network}
 */
export function readPin(pin, find) {
  const [spec, size] = pin.split("@");
  const [model, list] = spec.split(":");
  const controls = find(model)?.controls ?? [];
  /** @type {Record<string, Value>} */
  const knobs = {};
  for (const part of list ? list.split(",") : []) {
    const [name, value] = part.split("=");
    const control = controls.find((one) => one.name === name);
    if (control) knobs[name] = readValue(value ?? "", control);
  }
  return { model, keras: null, knobs, input: size ? readSize(size) : null };
}
