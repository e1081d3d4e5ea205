/** Play, pause, step, begin again; how fast, and where to stop. */

import { h, replace } from "../dom.js";
import { formatNumber, message, onLanguage, t, text } from "../locale.js";
import { store } from "../store.js";
import { DEFAULT_SPEED, FRAMES, SPEEDS } from "./choices.js";
import { icon } from "./icons.js";
import { request, send } from "./session.js";

/** @type {{ epoch?: number, loss?: number }} */
const stop = {};
let speed = DEFAULT_SPEED;

/** @returns {boolean} whether the network is learning now */
export function isPlaying() {
  return store.frame?.playing === true;
}

/** Play, or pause. */
export function toggle() {
  void (isPlaying() ? send("pause") : play());
}

/** Pause, if it plays. */
export function pause() {
  if (isPlaying()) void send("pause");
}

function play() {
  return send("play", { ...SPEEDS[speed], frames: FRAMES, stop });
}

/** @param {{ minibatches?: number, epochs?: number }} amount */
export function step(amount) {
  void send("step", amount);
}

/** @param {boolean} newWeights otherwise the same initial weights */
export function reset(newWeights) {
  void request("reset", { new_weights: newWeights });
}

/** @returns {HTMLElement} the buttons and the epoch */
export function playerButtons() {
  const toggleButton = h("button", {
    type: "button",
    class: "icon-button play",
    dataset: { control: "playButton" },
    onclick: toggle,
  });
  let shown = "";
  const showPlaying = () => {
    const name = isPlaying() ? "pause" : "play";
    const label = t(`playground.${name}`);
    if (shown === name + label) return;
    shown = name + label;
    replace(toggleButton, icon(name));
    toggleButton.setAttribute("aria-label", label);
    toggleButton.title = `${label} (␣)`;
  };
  store.subscribe((what) => what === "frame" && showPlaying());
  onLanguage(showPlaying);
  showPlaying();
  return h(
    "div",
    { class: "player" },
    iconButton("rewind", "playground.rewind", "resetButton", () => reset(false)),
    iconButton("reset", "playground.reset", "resetButton", () => reset(true)),
    toggleButton,
    iconButton("minibatch", "playground.step.minibatch", "stepButton", () => step({ minibatches: 1 })),
    iconButton("step", "playground.step.epoch", "stepButton", () => step({ epochs: 1 })),
    epochCounter(),
  );
}

/**
 * @param {string} picture
 * @param {string} key
 * @param {string} control
 * @param {() => void} onclick
 */
function iconButton(picture, key, control, onclick) {
  return h(
    "button",
    {
      type: "button",
      class: "icon-button",
      dataset: { control },
      "aria-label": message(key),
      title: message(key),
      onclick,
    },
    icon(picture),
  );
}

function epochCounter() {
  const epoch = h("output", { class: "epoch", "aria-live": "off" }, "0");
  const updates = h("span", { class: "muted small" });
  const show = () => {
    epoch.textContent = formatNumber(store.frame?.epoch ?? 0);
    updates.textContent = t("playground.updates", { count: store.frame?.iteration ?? 0 });
  };
  store.subscribe((what) => what === "frame" && show());
  onLanguage(show);
  return h(
    "div",
    { class: "epoch-counter" },
    h("span", { class: "muted small" }, text("playground.epoch")),
    epoch,
    updates,
  );
}

/** @returns {HTMLElement} */
export function speedField() {
  const speeds = h("select");
  const fill = () => {
    replace(
      speeds,
      SPEEDS.map((entry, i) =>
        h(
          "option",
          { value: String(i) },
          t(entry.epochs ? "playground.speed.epochs" : "playground.speed.minibatches", {
            count: entry.epochs ?? entry.minibatches ?? 1,
          }),
        ),
      ),
    );
    speeds.selectedIndex = speed;
  };
  onLanguage(fill);
  fill();
  speeds.addEventListener("change", () => {
    speed = speeds.selectedIndex;
    if (isPlaying()) void play();
  });
  return h(
    "label",
    { class: "field", dataset: { control: "speed" } },
    h("span", null, text("playground.speed")),
    speeds,
  );
}

/** @returns {HTMLElement[]} where to stop */
export function stopFields() {
  return [stopField("epoch", "playground.stop.epoch", "1"), stopField("loss", "playground.stop.loss", "any")];
}

/**
 * @param {"epoch" | "loss"} kind
 * @param {string} label
 * @param {string} stepSize
 */
function stopField(kind, label, stepSize) {
  const input = h("input", { type: "number", min: "0", step: stepSize, placeholder: "–", class: "short" });
  input.addEventListener("change", () => {
    if (!input.reportValidity() || input.value === "") delete stop[kind];
    else stop[kind] = input.valueAsNumber;
    if (isPlaying()) void play();
  });
  return h("label", { class: "field", dataset: { control: "stop" } }, h("span", null, text(label)), input);
}
