/** The controls above the network: the player, how it learns, and the "more" that TensorFlow Playground has not. */

import { h, replace } from "../dom.js";
import { formatNumber, text } from "../locale.js";
import * as choices from "./choices.js";
import { inputField, named, selectField } from "./controls.js";
import { chooseActivation, chooseClasses, chooseProblem } from "./edits.js";
import { playerButtons, speedField, stopFields } from "./player.js";
import { shareButton } from "./share.js";

/**
 * @param {HTMLElement} root
 */
export function mountTopBar(root) {
  const more = h(
    "details",
    { class: "more", dataset: { control: "more" } },
    h("summary", null, text("playground.more")),
    h("div", { class: "fields" }, furtherFields()),
  );
  replace(
    root,
    h("div", { class: "top-row" }, playerButtons(), h("div", { class: "fields" }, classicFields()), shareButton()),
    more,
  );
}

function classicFields() {
  return [
    speedField(),
    selectField({
      control: "learningRate",
      label: "playground.learningRate",
      options: (s) => choices.including(choices.LEARNING_RATES, s.learning_rate),
      read: (s) => s.learning_rate,
      write: (learning_rate) => ({ learning_rate }),
      name: plainNumber,
    }),
    selectField({
      control: "activation",
      label: "playground.activation",
      options: (s) => (s.activations.length > 0 ? [...choices.ACTIVATIONS, "mixed"] : choices.ACTIVATIONS),
      read: (s) => (s.activations.length > 0 ? "mixed" : s.activation),
      write: (name) => (name === "mixed" ? {} : chooseActivation(name)),
      name: named("activation"),
    }),
    selectField({
      control: "regularization",
      label: "playground.regularization",
      options: () => choices.REGULARIZATIONS,
      read: (s) => s.regularization,
      write: (regularization) => ({ regularization }),
      name: named("regularization"),
    }),
    selectField({
      control: "regularizationRate",
      label: "playground.regularizationRate",
      options: (s) => choices.including(choices.REGULARIZATION_RATES, s.regularization_rate),
      read: (s) => s.regularization_rate,
      write: (regularization_rate) => ({ regularization_rate }),
      name: plainNumber,
    }),
    selectField({
      control: "problem",
      label: "playground.problem",
      options: () => choices.PROBLEMS,
      read: (s) => s.problem,
      write: (problem, s) => chooseProblem(s, problem),
      name: named("problem"),
    }),
  ];
}

function furtherFields() {
  return [
    ...stopFields(),
    selectField({
      control: "loss",
      label: "playground.loss",
      options: () => choices.LOSSES,
      read: (s) => s.loss,
      write: (loss) => ({ loss }),
      name: named("loss"),
      enabled: (s) => s.problem === "classification",
    }),
    selectField({
      control: "classes",
      label: "playground.classes",
      options: () => [2, 3, 4, 5, 6],
      read: (s) => s.classes,
      write: (classes, s) => chooseClasses(s, classes),
      enabled: (s) => s.problem === "classification" && s.dataset !== "points",
    }),
    selectField({
      control: "optimizer",
      label: "playground.optimizer",
      options: () => choices.OPTIMIZERS,
      read: (s) => s.optimizer,
      write: (optimizer) => ({ optimizer }),
      name: named("optimizer"),
    }),
    selectField({
      control: "initialization",
      label: "playground.initialization",
      options: () => choices.INITIALIZATIONS,
      read: (s) => s.initialization,
      write: (initialization) => ({ initialization }),
      name: named("initialization"),
    }),
    selectField({
      control: "dropout",
      label: "playground.dropout",
      options: (s) => choices.including(choices.DROPOUTS, s.dropout),
      read: (s) => s.dropout,
      write: (dropout) => ({ dropout }),
      name: (value) => formatNumber(value, { style: "percent" }),
    }),
    selectField({
      control: "schedule",
      label: "playground.schedule",
      options: () => choices.SCHEDULES,
      read: (s) => s.schedule,
      write: (schedule) => ({ schedule }),
      name: named("schedule"),
    }),
    inputField({
      control: "scheduleEpochs",
      label: "playground.scheduleEpochs",
      attributes: { type: "number", min: "1", max: "1000000", step: "1", class: "short" },
      read: (s) => String(s.schedule_epochs),
      write: (value) => (/^\d+$/.test(value) && Number(value) > 0 ? { schedule_epochs: Number(value) } : null),
    }),
    inputField({
      control: "seed",
      label: "playground.seed",
      attributes: { type: "text", maxlength: "100", class: "short", spellcheck: "false" },
      read: (s) => s.seed,
      write: (seed) => ({ seed }),
    }),
  ];
}

/** @param {number} value */
function plainNumber(value) {
  return formatNumber(value, { maximumSignificantDigits: 8, maximumFractionDigits: 8 });
}
