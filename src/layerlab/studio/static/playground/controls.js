/** Controls bound to the specification: each shows what holds and asks the server for what is chosen. */

import { h, replace } from "../dom.js";
import { formatNumber, onLanguage, t, text } from "../locale.js";
import { store } from "../store.js";
import { change } from "./session.js";

/** @typedef {import("../store.js").Specification} Specification */
/** @typedef {import("./edits.js").Changes} Changes */

/**
 * Call `show` with every specification that comes.
 * @param {(specification: Specification) => void} show
 */
export function onSpecification(show) {
  const update = () => store.state && show(store.state.specification);
  store.subscribe((what) => what === "state" && update());
  update();
}

/**
 * A select with its label.
 * @template {string | number} T
 * @param {{
 *   control: string, label: string, options: (specification: Specification) => T[],
 *   read: (specification: Specification) => T, write: (value: T, specification: Specification) => Changes,
 *   name?: (value: T) => string, enabled?: (specification: Specification) => boolean,
 * }} what `name`: the text of an option in the language shown
 * @returns {HTMLElement}
 */
export function selectField({ control, label, options, read, write, name, enabled }) {
  const select = h("select");
  /** @type {T[]} */
  let shown = [];
  const fill = (/** @type {Specification} */ specification) => {
    shown = options(specification);
    const wanted = shown.map((value) => (name ? name(value) : typeof value === "number" ? formatNumber(value) : value));
    const present = Array.from(select.options, (option) => option.text);
    if (String(present) !== String(wanted))
      replace(
        select,
        wanted.map((word, i) => h("option", { value: String(i) }, word)),
      );
    select.selectedIndex = shown.indexOf(read(specification));
    select.disabled = enabled ? !enabled(specification) : false;
  };
  onSpecification(fill);
  onLanguage(() => store.state && fill(store.state.specification));
  select.addEventListener("change", () => {
    const value = shown[select.selectedIndex];
    change((specification) => write(value, specification));
  });
  return h("label", { class: "field", dataset: { control } }, h("span", null, text(label)), select);
}

/**
 * A slider with its label and its value.
 * @param {{
 *   control: string, label: string, min: number, max: number, step: number, unit?: string,
 *   read: (specification: Specification) => number, write: (value: number) => Changes,
 * }} what
 * @returns {HTMLElement}
 */
export function sliderField({ control, label, min, max, step, unit, read, write }) {
  const id = `slider-${control}`;
  const input = h("input", { id, type: "range", min, max, step });
  const output = h("output");
  const show = () => {
    output.textContent = `${formatNumber(input.valueAsNumber)}${unit ?? ""}`;
    input.setAttribute("aria-valuetext", output.textContent);
  };
  onSpecification((specification) => {
    const value = read(specification);
    input.max = String(Math.max(max, value)); // a link may go beyond the slider
    input.min = String(Math.min(min, value));
    if (document.activeElement !== input || !input.matches(":active")) input.value = String(value);
    show();
    if (input.valueAsNumber !== value) output.textContent = `${formatNumber(value)}${unit ?? ""}`;
  });
  input.addEventListener("input", () => {
    show();
    const changes = write(input.valueAsNumber);
    change(() => changes);
  });
  // An output can have a label too: without the id it would take the slider's.
  return h(
    "label",
    { class: "field slider", for: id, dataset: { control } },
    h("span", null, text(label), output),
    input,
  );
}

/**
 * A field for a number or a text that is sent when it is left or Enter is pressed.
 * @param {{
 *   control: string, label: string, attributes: Record<string, unknown>,
 *   read: (specification: Specification) => string, write: (value: string) => Changes | null,
 * }} what `write` returns null for a text that means nothing
 * @returns {HTMLElement}
 */
export function inputField({ control, label, attributes, read, write }) {
  const input = h("input", attributes);
  const show = () => {
    if (store.state) input.value = read(store.state.specification);
  };
  onSpecification(show);
  input.addEventListener("change", () => {
    const changes = write(input.value);
    if (changes) change(() => changes);
    else show();
  });
  return h("label", { class: "field", dataset: { control } }, h("span", null, text(label)), input);
}

/**
 * The words of a choice: `playground.<kind>.<value>`, or the value itself where there are none.
 * @param {string} kind
 * @returns {(value: string) => string}
 */
export function named(kind) {
  return (value) => {
    const key = `playground.${kind}.${value}`;
    const found = t(key);
    return found === key ? value : found;
  };
}
