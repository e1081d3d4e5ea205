/** One lesson, step by step: set up, predict, run, result. */

import { h } from "../dom.js";
import { t } from "../locale.js";
import { showResult } from "./result.js";
import { number, words } from "./words.js";

/** @typedef {import("./memory.js").Offer} Offer */
/** @typedef {import("./memory.js").Course} Course */
/**
 * What a person can do in a lesson.
 * @typedef {{
 *   changed: () => void, redraw: () => void, setUp: () => void, run: () => void, stop: () => void,
 *   openLink: (link: string) => void, again: (choices: Record<string, any>) => void, live: () => import("./result.js").Live
 * }} Acts
 */

/**
 * Show a lesson as far as it has come.
 * @param {Offer} offer
 * @param {Course} course
 * @param {Acts} acts
 * @returns {HTMLElement[]}
 */
export function showCourse(offer, course, acts) {
  const steps = [
    step(1, "setup", setUp(offer, course, acts)),
    step(2, "predict", predict(offer, course, acts)),
    step(3, "run", run(offer, course, acts)),
  ];
  if (course.result) steps.push(step(4, "result", showResult(course.result, offer, acts.live(), acts)));
  return [h("h3", { class: "learn-title", tabindex: -1 }, t(`learn.${offer.name}.title`)), ...steps];
}

/**
 * @param {number} count
 * @param {string} name
 * @param {import("../dom.js").Child[]} content
 */
function step(count, name, content) {
  const id = `learn-step-${name}`;
  const heading = h("h4", { id, tabindex: -1 }, h("span", { class: "learn-count", "aria-hidden": "true" }, count), t(`learn.step.${name}`));
  return h("section", { class: `learn-step learn-step-${name}`, "aria-labelledby": id }, heading, content);
}

/**
 * @param {Offer} offer
 * @param {Course} course
 * @param {Acts} acts
 */
function setUp(offer, course, acts) {
  const choices = Object.entries(offer.options).map(([name, values]) => {
    const select = h("select", { name }, values.map((value) => h("option", { value, selected: value === course.options[name] }, t(`learn.value.${name}.${value}`))));
    select.addEventListener("change", () => {
      course.options[name] = select.value;
      course.opened = false;
      acts.changed();
    });
    return h("label", { class: "learn-field" }, h("span", null, t(`learn.option.${name}`)), select);
  });
  const list = offer.arms.length > 8 ? `${words(offer.arms[0])} … ${words(offer.arms[offer.arms.length - 1])}` : offer.arms.map(words).join("; ");
  return [
    h("p", null, t(`learn.${offer.name}.background`)),
    h("p", { class: "learn-small" }, t("learn.setup.networks", { list, epochs: offer.epochs })),
    h("div", { class: "learn-fields" }, choices, seedField("seeds", course.seeds, offer.seeds.least, offer.seeds.most, (value) => (course.seeds = value), acts),
      seedField("first-seed", course.first, 0, 1_000_000, (value) => (course.first = value), acts)),
    h("div", { class: "learn-actions" }, h("button", { type: "button", class: "button learn-open", onclick: acts.setUp }, t("learn.setup.open")),
      course.opened && h("span", { role: "status" }, t("learn.setup.opened", { network: words(offer.arms[offer.shown]) }))),
  ];
}

/**
 * @param {string} name
 * @param {number} value
 * @param {number} least
 * @param {number} most
 * @param {(value: number) => void} take
 * @param {Acts} acts
 */
function seedField(name, value, least, most, take, acts) {
  const input = h("input", { type: "number", name, value, min: least, max: most, step: 1 });
  input.addEventListener("change", () => {
    const typed = Number.isFinite(input.valueAsNumber) ? Math.round(input.valueAsNumber) : value;
    input.value = String(Math.min(most, Math.max(least, typed)));
    take(Number(input.value));
    acts.changed();
  });
  return h("label", { class: "learn-field" }, h("span", null, t(`learn.setup.${name}`)), input);
}

/**
 * @param {Offer} offer
 * @param {Course} course
 * @param {Acts} acts
 */
function predict(offer, course, acts) {
  const question = t(`learn.${offer.name}.question`, { target: number(offer.target) });
  const radios = offer.choices.map((choice) => {
    const radio = h("input", { type: "radio", name: `learn-${offer.name}`, value: choice, checked: course.prediction === choice });
    radio.addEventListener("change", () => {
      course.prediction = choice;
      acts.changed();
    });
    return h("label", { class: "learn-choice" }, radio, h("span", null, t(`learn.${offer.name}.choice.${choice}`)));
  });
  return [h("fieldset", { class: "learn-choices", disabled: course.progress !== null }, h("legend", null, question), radios), h("p", { class: "learn-small" }, t("learn.predict.lead"))];
}

/**
 * @param {Offer} offer
 * @param {Course} course
 * @param {Acts} acts
 */
function run(offer, course, acts) {
  const failure = course.failure && h("p", { class: "learn-failure", role: "alert" }, typeof course.failure === "string" ? t(course.failure) : course.failure);
  if (course.progress) return [progress(course.progress), h("button", { type: "button", class: "button learn-stop", onclick: acts.stop }, t("learn.run.stop"))];
  const live = h("input", { type: "checkbox", checked: course.live });
  live.addEventListener("change", () => (course.live = live.checked));
  const start = h("button", { type: "button", class: "button primary learn-run", disabled: !course.prediction, onclick: acts.run }, t(course.result ? "learn.run.again" : "learn.run.start"));
  return [
    h("p", null, t("learn.run.lead", { seeds: course.seeds })),
    h("label", { class: "learn-choice" }, live, h("span", null, t("learn.run.live"))),
    h("div", { class: "learn-actions" }, start, !course.prediction && h("span", { class: "learn-small learn-hint" }, t("learn.run.predict-first"))),
    failure,
  ];
}

/** @param {NonNullable<Course["progress"]>} progress */
function progress({ done, total, partial }) {
  const said = partial ? t("learn.run.progress", { done, total }) : t("learn.run.running");
  const known = (partial ?? []).map(({ label, loss }) => h("li", null, t("learn.run.partial", { arm: words(label), loss: number(loss) })));
  return h("div", { class: "learn-progress" }, h("p", { role: "status" }, said), h("progress", { value: done, max: total, "aria-label": said }), h("ul", { class: "learn-small" }, known));
}
