/** The Architectures tab: a network, its knobs, and what they do to its figures, its picture and its arithmetic. */

import { h, replace } from "../dom.js";
import { Refused } from "../layers/api.js";
import { message, onLanguage, text } from "../locale.js";
import { ask, asker } from "./api.js";
import { chooser } from "./chooser.js";
import { explaining } from "./explaining.js";
import { inputSize } from "./input_size.js";
import { kerasText } from "./keras_text.js";
import { knobPanel, sentenceOf } from "./knobs.js";
import { numbersStrip } from "./numbers.js";
import { diagramView, scaleView } from "./pictures.js";
import { sharing } from "./sharing.js";
import { networkOf, readAddress, readPin, writeAddress, writePin } from "./state.js";
import { tableView } from "./table_view.js";

/** @typedef {import("./api.js").Model} Model */
/** @typedef {import("./api.js").Network} Network */
/** @typedef {import("./api.js").Numbers} Numbers */
/** @typedef {import("./api.js").Problem} Problem */
/** @typedef {import("./state.js").State} State */

/** Milliseconds: before a slider's value, and a typed text, is asked for; and before the page says that it works. */
const [SLIDING, TYPING, LATE] = [60, 450, 250];
const VIEWS = /** @type {const} */ (["diagram", "scale", "table"]);

/**
 * @param {HTMLElement} root
 * @returns {{ shown: () => void, unmount: () => void }}
 */
export function mount(root) {
  const askNumbers = asker("numbers");
  /** @type {Map<string, Model>} */
  const models = new Map();
  const find = (/** @type {string} */ name) => models.get(name);
  /** @type {Record<string, string>} */
  let examples = {};
  /** @type {State | null} */
  let state = null;
  /** @type {Numbers | null} what is shown, and what it is compared with */
  let now = null;
  /** @type {Numbers | null} */
  let before = null;
  /** @type {{ key: string, numbers: Numbers } | null} */
  let pinned = null;
  /** The control that was moved last: moving it on is one step of the browser's history, and of the comparison. */
  let moved = "";
  let timer = 0;
  let late = 0;
  /** @type {Problem | null} */
  let problem = null;

  const zoo = chooser({ onchoose: (model) => change({ model, keras: null, knobs: {}, input: null, layer: null }) });
  const keras = kerasText({
    ontext: (source, typing) => change({ keras: source, input: null, layer: null }, typing ? "text" : "", typing ? TYPING : 0),
  });
  const knobs = knobPanel({
    onturn(name, value, sliding) {
      if (!state) return;
      const turned = { ...state.knobs, [name]: value };
      if (value === find(state.model)?.controls.find((control) => control.name === name)?.default) delete turned[name];
      const follows = name === "in_channels" && state.input && typeof value === "number";
      const input = follows && state.input ? [value, ...state.input.slice(1)] : state.input;
      change({ knobs: turned, input }, name, sliding ? SLIDING : 0);
    },
    onreset: () => change({ knobs: {}, input: null }),
  });
  const input = inputSize({ onsize: (size, sliding) => change({ input: size }, "input", sliding ? SLIDING : 0) });
  const strip = numbersStrip({ onpin: togglePin });
  const explained = explaining({ onclose: () => choose(null) });
  const views = { diagram: diagramView({ onselect: choose }), scale: scaleView(), table: tableView({ onselect: choose }) };
  const share = sharing({ network: () => networkOf(/** @type {State} */ (state)) });
  const kinds = [true, false].map((fromZoo) =>
    h("button", { type: "button", dataset: { source: fromZoo ? "zoo" : "keras" }, onclick: () => take(fromZoo) }, text(fromZoo ? "architectures.zoo" : "architectures.text")));
  const tabs = VIEWS.map((view) => h("button", { type: "button", dataset: { view }, onclick: () => change({ view }) }, text(`architectures.view.${view}`)));
  const status = h("p", { class: "failure", role: "alert", hidden: true });
  const again = h("button", { type: "button", class: "button", hidden: true, onclick: () => void begin() }, text("architectures.again"));
  const working = h("p", { class: "architecture-working", role: "status", hidden: true }, text("architectures.working"));
  const viewProblem = h("p", { class: "problem", role: "alert", hidden: true });
  const stage = h("div", { class: "architecture-stage" }, viewProblem, VIEWS.map((view) => views[view].root));
  const result = h(
    "div",
    { class: "architecture-result" },
    strip.root,
    h("section", { class: "card architecture-view", "aria-label": message("architectures.view") },
      h("div", { class: "segmented", role: "group", "aria-label": message("architectures.view") }, tabs), stage),
    explained.root,
    share.root,
  );
  const controls = h(
    "aside",
    { class: "card architecture-controls", "aria-label": message("architectures.controls") },
    h("div", { class: "segmented wide", role: "group", "aria-label": message("architectures.source") }, kinds),
    zoo.root,
    keras.root,
    knobs.root,
    input.root,
  );
  replace(root, h("h1", { class: "visually-hidden" }, text("common.tab.architectures")), status, again, h("div", { class: "architectures" }, controls, result), working);
  controls.hidden = result.hidden = true;

  /** Load the catalogue, then what the address names. */
  async function begin() {
    wait();
    status.hidden = again.hidden = true;
    try {
      const catalogue = await ask("catalogue");
      for (const model of Object.values(catalogue.families).flat()) models.set(model.name, model);
      examples = catalogue.examples;
      zoo.fill(catalogue);
      keras.fill(examples);
    } catch (error) {
      done();
      again.hidden = false;
      return refuse(error);
    }
    controls.hidden = false;
    if (named()) follow();
  }

  /** Whether the address names this tab. */
  function named() {
    return new URLSearchParams(location.search).get("tab") === "architectures";
  }

  function follow() {
    if (models.size === 0 || !named()) return;
    clearTimeout(timer);
    timer = 0;
    state = readAddress(location.search, location.hash, find);
    [moved, before] = ["", null];
    paint();
    void refresh();
  }

  /**
   * @param {Partial<State>} part what changes
   * @param {string} [control] the control that was moved, where it can be moved on
   * @param {number} [delay] before the server is asked
   */
  function change(part, control = "", delay = 0) {
    if (!state) return;
    const goesOn = control !== "" && control === moved;
    state = { ...state, ...part };
    moved = control;
    if (!goesOn && ["model", "keras", "knobs", "input"].some((name) => name in part)) before = problem ? before : now;
    if (!goesOn) history.pushState(null, "", location.pathname + writeAddress(state));
    paint();
    if (timer && delay === SLIDING) return; // the figures move along, as often as they are asked for already
    clearTimeout(timer);
    timer = window.setTimeout(settle, delay);
  }

  /** Put what a control came to into the address, and ask for it. */
  function settle() {
    timer = 0;
    if (!state) return;
    history.replaceState(null, "", location.pathname + writeAddress(state));
    void refresh();
  }

  /** Show what is set, before the server answers. */
  function paint() {
    if (!state) return;
    const fromZoo = state.keras === null;
    for (const button of kinds) button.setAttribute("aria-pressed", String((button.dataset.source === "zoo") === fromZoo));
    for (const button of tabs) button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
    for (const view of VIEWS) views[view].root.hidden = view !== state.view;
    zoo.root.hidden = !fromZoo;
    keras.root.hidden = fromZoo;
    zoo.show(state.model);
    if (state.keras !== null) keras.show(state.keras);
    const model = fromZoo ? find(state.model) : undefined;
    knobs.show(model, state.knobs);
    input.show(state.input, usualInput(model), model);
    for (const view of VIEWS) views[view].select(state.layer);
  }

  /** @param {Model | undefined} model @returns {number[] | null} */
  function usualInput(model) {
    if (!model) return now && state?.input === null ? (now.input[0] ?? null) : null;
    const channels = state?.knobs.in_channels;
    return [typeof channels === "number" ? channels : model.input[0], ...model.input.slice(1)];
  }

  /** Ask for the figures, then for what else is shown. */
  async function refresh() {
    if (!state) return;
    const network = networkOf(state);
    wait();
    try {
      now = await askNumbers(network);
      problem = null;
      tell();
      await showPin();
      if (!now) return;
      result.hidden = false;
      strip.show(now, before, pinned?.numbers ?? null);
      share.show(now.command, now.python);
      if (state.keras !== null) input.show(state.input, now.input[0] ?? null, undefined);
    } catch (error) {
      done();
      return refuse(error);
    }
    void explained.show(network, state.layer);
    await showView(network);
  }

  /** @param {Network} network */
  async function showView(network) {
    if (!state) return;
    const view = views[state.view];
    view.root.hidden = false; // an element that is not shown has no width to fit a picture to
    try {
      await view.show(network);
      view.select(state.layer);
      viewProblem.hidden = true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      view.root.hidden = true; // it shows another network
      viewProblem.hidden = false;
      viewProblem.textContent = sentenceOf(error.problem);
    }
    done();
  }

  /** @param {unknown} error */
  function refuse(error) {
    if (!(error instanceof Refused)) throw error;
    problem = error.problem;
    tell();
  }

  /** Say what is wrong where it can be mended. */
  function tell() {
    knobs.accept();
    keras.problem("");
    input.problem("");
    status.hidden = true;
    strip.stale(problem !== null);
    stage.classList.toggle("stale", problem !== null);
    if (!problem) return;
    const sentence = sentenceOf(problem);
    const what = problem.key.replace("architectures.error.", "");
    if (/knob$/.test(what) && knobs.refuse(String(problem.values.knob), sentence)) return;
    if (/input$/.test(what)) return input.problem(sentence);
    if (what.startsWith("text")) return keras.problem(sentence);
    status.hidden = false;
    status.textContent = sentence;
  }

  function wait() {
    clearTimeout(late);
    late = window.setTimeout(() => {
      working.hidden = false;
      root.setAttribute("aria-busy", "true");
    }, LATE);
  }

  function done() {
    clearTimeout(late);
    working.hidden = true;
    root.removeAttribute("aria-busy");
  }

  /** @param {boolean} fromZoo */
  function take(fromZoo) {
    if (!state || (state.keras === null) === fromZoo) return;
    change({ keras: fromZoo ? null : (Object.values(examples)[0] ?? ""), input: null, layer: null });
  }

  /** @param {string | null} path of the layer whose arithmetic is wanted */
  function choose(path) {
    if (!state || state.layer === path) return;
    state = { ...state, layer: path };
    history.replaceState(null, "", location.pathname + writeAddress(state));
    for (const view of VIEWS) views[view].select(path);
    void explained.show(networkOf(state), path);
  }

  function togglePin() {
    if (!state || !now) return;
    const pin = pinned ? null : writePin(state);
    pinned = pinned ? null : { key: pin ?? "", numbers: now };
    change({ pin });
  }

  /** Have the figures of the pinned network. */
  async function showPin() {
    const pin = state?.pin ?? null;
    if (pin === null) {
      if (pinned?.key) pinned = null; // a text that is pinned is in no address
      return;
    }
    if (pinned?.key === pin) return;
    pinned = null;
    try {
      pinned = { key: pin, numbers: await ask("numbers", readPin(pin, find)) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error; // what a link names and cannot be had is not compared with
    }
  }

  addEventListener("popstate", follow);
  onLanguage(tell);
  void begin();
  return {
    shown() {
      if (!state) return follow();
      if (location.search === "?tab=architectures") history.replaceState(null, "", location.pathname + writeAddress(state));
      else follow();
    },
    unmount: () => removeEventListener("popstate", follow),
  };
}
