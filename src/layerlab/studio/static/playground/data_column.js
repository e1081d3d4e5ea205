/** The left column: which data, how much of it trains, how noisy, in batches of how many. */

import { h, replace } from "../dom.js";
import { message, text } from "../locale.js";
import { store } from "../store.js";
import { DATASETS, REGRESSION_DATASETS } from "./choices.js";
import { onSpecification, sliderField } from "./controls.js";
import { chooseDataset } from "./edits.js";
import { change, request } from "./session.js";
import { thumbnail } from "./thumbnails.js";

/** @param {HTMLElement} root */
export function mountDataColumn(root) {
  replace(
    root,
    h("h2", null, text("playground.data")),
    h("p", { class: "explains" }, text("playground.data.explained")),
    thumbnails(),
    h(
      "div",
      { class: "sliders" },
      sliderField({
        control: "percTrainData",
        label: "playground.trainShare",
        min: 10,
        max: 90,
        step: 10,
        unit: " %",
        read: (s) => s.train_percent,
        write: (train_percent) => ({ train_percent }),
      }),
      sliderField({
        control: "noise",
        label: "playground.noise",
        min: 0,
        max: 50,
        step: 5,
        read: (s) => s.noise,
        write: (noise) => ({ noise }),
      }),
      sliderField({
        control: "batchSize",
        label: "playground.batchSize",
        min: 1,
        max: 30,
        step: 1,
        read: (s) => s.batch_size,
        write: (batch_size) => ({ batch_size }),
      }),
    ),
    h(
      "button",
      { type: "button", class: "button regenerate", onclick: () => void request("regenerate") },
      text("playground.regenerate"),
    ),
  );
}

function thumbnails() {
  const group = h("div", {
    class: "thumbnails",
    role: "radiogroup",
    "aria-label": message("playground.data"),
    dataset: { control: "dataset" },
  });
  let shown = "";
  /** @type {{ name: string, button: HTMLElement, draw: () => void }[]} */
  let entries = [];
  onSpecification((specification) => {
    const regression = specification.problem === "regression";
    const chosen = regression ? specification.regression_dataset : specification.dataset;
    const own = chosen === "points";
    const wanted = `${specification.problem} ${specification.classes} ${own && JSON.stringify(specification.points)}`;
    if (wanted !== shown) {
      shown = wanted;
      const names = [...(regression ? REGRESSION_DATASETS : Object.keys(DATASETS)), ...(own ? ["points"] : [])];
      entries = names.map((name) => entry(name, specification.classes));
      replace(
        group,
        entries.map((one) => one.button),
      );
      for (const one of entries) one.draw();
    }
    for (const { name, button } of entries) {
      button.setAttribute("aria-checked", String(name === chosen));
      button.tabIndex =
        name === chosen || (name === entries[0].name && !entries.some((one) => one.name === chosen)) ? 0 : -1;
    }
  });
  group.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = entries.findIndex((one) => one.button === document.activeElement);
    if (!by || at < 0) return;
    event.preventDefault();
    const next = entries[(at + by + entries.length) % entries.length];
    next.button.focus();
    next.button.click();
  });
  return group;
}

/**
 * @param {string} name
 * @param {number} classes
 */
function entry(name, classes) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const own = DATASETS[name];
  const shownClasses = own && !own.includes(classes) ? own[0] : classes;
  const button = h(
    "button",
    {
      type: "button",
      class: "thumbnail",
      role: "radio",
      "aria-checked": "false",
      dataset: { dataset: name },
      "aria-label": message(`playground.dataset.${name}`),
      title: message(`playground.dataset.${name}`),
      onclick: () => change((specification) => chooseDataset(specification, name)),
    },
    canvas,
  );
  return { name, button, draw: thumbnail(canvas, name, () => shownClasses) };
}
