/** Small things that several panels are made of. */

import { h } from "../../dom.js";
import { hasText, message, t, text } from "../../locale.js";
import { CommandError } from "../../socket.js";

/** @typedef {import("../../locale.js").Message} Message */
/**
 * What the playground gives its panels.
 * @typedef {object} Context
 * @property {typeof import("../../store.js").store} store
 * @property {(name: string, args?: Record<string, unknown>) => Promise<any>} call
 * @property {(event: string, listener: (message: any) => void) => () => void} on
 * @property {(listener: (frame: import("../../frames.js").Frame) => void) => () => void} onFrame
 * @property {(layer: number, unit: number) => void} select
 * @property {(hash: string) => unknown} openLink
 * @property {(node: Text) => void} notify
 */
/**
 * One mounted panel.
 * @typedef {object} Panel
 * @property {() => void} [shown] it came to the front
 * @property {() => void} [hidden] another did
 */

/**
 * The sentence of an error, in the language shown where it has a text there.
 * @param {unknown} error
 * @returns {Text}
 */
export function sentence(error) {
  if (error instanceof CommandError && hasText(error.key)) return text(error.key, error.values);
  return document.createTextNode(error instanceof Error ? error.message : t("panels.failed"));
}

/**
 * Run a command; an error is told, not thrown.
 * @template T
 * @param {Context} context
 * @param {string} name
 * @param {Record<string, unknown>} [args]
 * @returns {Promise<any>} undefined after an error
 */
export async function ask(context, name, args = {}) {
  try {
    return await context.call(name, args);
  } catch (error) {
    context.notify(sentence(error));
    return undefined;
  }
}

/**
 * A row of buttons of which one is pressed.
 * @template {string} T
 * @param {Message} label
 * @param {readonly T[]} values
 * @param {(value: T) => string} keyOf the text of a value
 * @param {T} first
 * @param {(value: T) => void} onchange
 * @returns {{ element: HTMLElement, value: () => T }}
 */
export function choice(label, values, keyOf, first, onchange) {
  let chosen = first;
  const buttons = values.map((value) => {
    const press = () => {
      chosen = value;
      mark();
      onchange(value);
    };
    return h("button", { type: "button", onclick: press, dataset: { value } }, text(keyOf(value)));
  });
  const mark = () => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.value === chosen)));
  mark();
  return { element: h("div", { class: "segmented", role: "group", "aria-label": label }, buttons), value: () => chosen };
}

/**
 * A labelled tick box.
 * @param {string} key
 * @param {boolean} checked
 * @param {(checked: boolean) => void} onchange
 * @returns {{ element: HTMLElement, input: HTMLInputElement }}
 */
export function tick(key, checked, onchange) {
  const input = h("input", { type: "checkbox", checked });
  input.addEventListener("change", () => onchange(input.checked));
  return { element: h("label", { class: "check" }, input, h("span", null, text(key))), input };
}

/**
 * A label above a control.
 * @param {string} key
 * @param {HTMLElement} control
 * @returns {HTMLElement}
 */
export function field(key, control) {
  control.id = `panel-field-${(fields += 1)}`;
  return h("div", { class: "field" }, h("label", { for: control.id }, text(key)), control);
}

let fields = 0;

/**
 * A button with a text.
 * @param {string} key
 * @param {() => void} onclick
 * @param {string} [look] further classes
 * @returns {HTMLButtonElement}
 */
export function button(key, onclick, look = "") {
  return h("button", { type: "button", class: `button ${look}`.trim(), onclick }, text(key));
}

/**
 * The switches that every chart of losses has: which loss, and which axis is logarithmic.
 * @param {() => void} onchange
 * @returns {{ elements: HTMLElement[], which: () => "train" | "test", logX: () => boolean, logY: () => boolean }}
 */
export function lossSwitches(onchange) {
  const which = choice(message("panels.which-loss"), /** @type {const} */ (["train", "test"]), (name) => `panels.loss.${name}`, "test", onchange);
  const logY = tick("panels.log-loss", false, onchange);
  const logX = tick("panels.log-epochs", false, onchange);
  return {
    elements: [which.element, logY.element, logX.element],
    which: which.value,
    logX: () => logX.input.checked,
    logY: () => logY.input.checked,
  };
}

/**
 * Give a person a file.
 * @param {string} name
 * @param {string} content
 * @param {string} type
 */
export function download(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
