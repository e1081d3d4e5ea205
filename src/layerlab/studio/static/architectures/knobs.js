/** The knobs of the chosen network, each with the zoo's own sentence beside it where a value is refused. */

import { h, replace } from "../dom.js";
import { formatNumber, hasText, message, onLanguage, t, text } from "../locale.js";
import { readValue } from "./state.js";

/** @typedef {import("./api.js").Control} Control */
/** @typedef {import("./api.js").Model} Model */
/** @typedef {import("./api.js").Value} Value */
/** @typedef {{ root: HTMLElement, set: (value: Value) => void, problem: HTMLElement, field: HTMLElement }} Knob */

/**
 * @param {{ onturn: (name: string, value: Value, sliding: boolean) => void, onreset: () => void }} options
 * @returns {{ root: HTMLElement, show: (model: Model | undefined, knobs: Record<string, Value>) => void, refuse: (name: string, sentence: string) => boolean, accept: () => void }}
 */
export function knobPanel({ onturn, onreset }) {
  const list = h("div", { class: "knobs" });
  const reset = h("button", { type: "button", class: "button small", onclick: onreset }, text("architectures.reset"));
  const root = h("section", { class: "knob-panel", "aria-label": message("architectures.knobs") }, h("div", { class: "architecture-head" }, h("h3", null, text("architectures.knobs")), reset), list);
  /** @type {Map<string, Knob>} */
  const knobs = new Map();
  let present = "";
  /** @type {[Model | undefined, Record<string, Value>]} */
  let shown = [undefined, {}];
  onLanguage(() => write(...shown)); // numbers are written as the language writes them

  /** @param {Model | undefined} model @param {Record<string, Value>} values */
  function write(model, values) {
    for (const control of model?.controls ?? []) {
      knobs.get(control.name)?.set(Object.hasOwn(values, control.name) ? values[control.name] : control.default);
    }
  }

  return {
    root,
    show(model, values) {
      const name = model?.name ?? "";
      if (name !== present) {
        present = name;
        knobs.clear();
        for (const control of model?.controls ?? []) knobs.set(control.name, makeKnob(control, onturn));
        replace(list, [...knobs.values()].map((knob) => knob.root));
      }
      shown = [model, values];
      write(model, values);
      root.hidden = !model;
      reset.disabled = Object.keys(values).length === 0;
    },
    refuse(name, sentence) {
      const knob = knobs.get(name);
      if (!knob) return false;
      knob.problem.hidden = false;
      knob.problem.textContent = sentence;
      knob.field.setAttribute("aria-invalid", "true");
      return true;
    },
    accept() {
      for (const knob of knobs.values()) {
        knob.problem.hidden = true;
        knob.field.removeAttribute("aria-invalid");
      }
    },
  };
}

/**
 * @param {Control} control
 * @param {(name: string, value: Value, sliding: boolean) => void} onturn
 * @returns {Knob}
 */
function makeKnob(control, onturn) {
  const id = `knob-${control.name}`;
  const problem = h("p", { class: "problem small", id: `${id}-problem`, role: "alert", lang: "en", hidden: true });
  const name = h("label", { for: id, title: message(`architectures.knob.${control.name}.what`) }, text(`architectures.knob.${control.name}`));
  const made = control.kind === "switch" ? makeSwitch(control, id, onturn) : control.kind === "choice" ? makeChoice(control, id, onturn) : makeNumber(control, id, onturn);
  made.field.setAttribute("aria-describedby", problem.id);
  const code = h("code", { class: "muted" }, control.name);
  const root = h("div", { class: `knob ${control.kind}`, dataset: { knob: control.name } }, h("div", { class: "knob-name" }, name, code), made.root, problem);
  return { ...made, root, problem };
}

/**
 * @param {Control} control
 * @param {string} id
 * @param {(name: string, value: Value, sliding: boolean) => void} onturn
 */
function makeSwitch(control, id, onturn) {
  const field = h("input", { type: "checkbox", id });
  field.addEventListener("change", () => onturn(control.name, field.checked, false));
  const set = (/** @type {Value} */ value) => {
    field.checked = value === true;
  };
  return { root: field, field, set };
}

/**
 * @param {Control} control
 * @param {string} id
 * @param {(name: string, value: Value, sliding: boolean) => void} onturn
 */
function makeChoice(control, id, onturn) {
  const field = h("select", { id }, control.choices.map((choice) => h("option", { value: String(choice) }, choice === null ? text("architectures.knob.paper") : String(choice))));
  field.addEventListener("change", () => onturn(control.name, readValue(field.value, control), false));
  const set = (/** @type {Value} */ value) => {
    const written = String(value);
    if (![...field.options].some((option) => option.value === written)) field.append(h("option", { value: written }, written));
    field.value = written;
  };
  return { root: field, field, set };
}

/**
 * A slider over what is usual, and a field for anything.
 * @param {Control} control
 * @param {string} id
 * @param {(name: string, value: Value, sliding: boolean) => void} onturn
 */
function makeNumber(control, id, onturn) {
  const field = h("input", { type: "text", inputmode: "decimal", id, class: "knob-number", autocomplete: "off", spellcheck: "false" });
  const slides = control.name !== "epsilon" && control.name !== "num_classes";
  const range = h("input", {
    type: "range", min: control.least, max: control.most, step: control.step, hidden: !slides,
    "aria-label": message(`architectures.knob.${control.name}`),
  });
  const write = (/** @type {Value} */ value) =>
    typeof value === "number" ? formatNumber(value, { maximumFractionDigits: 8, useGrouping: false }) : String(value);
  range.addEventListener("input", () => {
    field.value = write(Number(range.value));
    onturn(control.name, Number(range.value), true);
  });
  field.addEventListener("change", () => onturn(control.name, readValue(field.value, control), false));
  const set = (/** @type {Value} */ value) => {
    if (document.activeElement !== field) field.value = write(value);
    if (typeof value === "number") {
      range.max = String(Math.max(control.most ?? 1, value));
      range.value = String(value);
    }
  };
  return { root: h("div", { class: "knob-slide" }, range, field), field, set };
}

/**
 * The sentence of a refused value: the page's own where it has one.
 * @param {import("./api.js").Problem} problem
 * @returns {string}
 */
export function sentenceOf(problem) {
  return problem.key && hasText(problem.key) ? t(problem.key, problem.values) : problem.text;
}
