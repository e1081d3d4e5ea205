/** History: back through this run, the same initial weights again, and runs kept side by side. */

import { h, onceAFrame, replace } from "../../dom.js";
import { formatNumber, message, t, text } from "../../locale.js";
import { request } from "../session.js";
import { lineChart } from "./chart.js";
import { ask, button, lossSwitches } from "./parts.js";
import { keptRuns } from "./runs.js";

/** @typedef {import("./parts.js").Context} Context */
/** @typedef {import("./parts.js").Panel} Panel */
/** @typedef {import("../../store.js").Losses} Losses */

const REDRAW = 200;

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {Panel}
 */
export function mount(root, context) {
  const { store } = context;
  let visible = false;
  let drawn = 0;
  let scrubbing = false;
  /** @type {Losses} the whole run, that part too from which the scrubber went back */
  let whole = { epoch: [], train: [], test: [] };
  /** @type {number | null} */
  let wanted = null;

  const slider = h("input", { type: "range", min: 0, max: 0, value: 0, step: 1, "aria-label": message("panels.history.scrubber") });
  const place = h("output", { class: "scrubber-place" });
  const chart = lineChart({ label: message("panels.history.chart"), x: message("panels.epoch"), y: message("panels.loss") });
  const redraw = onceAFrame(draw);
  const switches = lossSwitches(redraw);
  const runs = keptRuns(context, redraw);
  const keep = button("panels.history.keep", () => runs.keep(whole), "primary");
  replace(
    root,
    h("p", { class: "panel-lead" }, text("panels.history.lead")),
    h(
      "div",
      { class: "scrubber" },
      h("button", { type: "button", class: "button", "aria-label": message("panels.history.back"), title: message("panels.history.back"), onclick: () => leap(-1) }, "‹"),
      slider,
      h("button", { type: "button", class: "button", "aria-label": message("panels.history.forward"), title: message("panels.history.forward"), onclick: () => leap(1) }, "›"),
      place,
    ),
    h(
      "div",
      { class: "panel-tools" },
      button("panels.history.same", () => void request("reset", { new_weights: false })),
      button("panels.history.other", () => void request("reset", { new_weights: true })),
      keep,
    ),
    h("div", { class: "history-results" }, h("div", { class: "panel-column" }, h("div", { class: "panel-tools" }, switches.elements), chart.element, h("p", { class: "muted small legend" }, h("span", { class: "swatch present", "aria-hidden": "true" }), text("panels.history.present"))), h("div", { class: "panel-column" }, runs.element)),
  );
  slider.addEventListener("input", () => go(Number(slider.value)));

  /**
   * Go to the next state that was kept: of a long run not every epoch is.
   * @param {-1 | 1} way
   */
  function leap(way) {
    const now = wanted ?? store.frame?.epoch ?? 0;
    const next = way > 0 ? kept().find((epoch) => epoch > now) : kept().findLast((epoch) => epoch < now);
    if (next !== undefined) go(next);
  }

  /** @param {number} epoch */
  function go(epoch) {
    wanted = Math.max(0, Math.min(last(), epoch));
    if (!scrubbing) void scrub();
  }

  async function scrub() {
    scrubbing = true;
    while (wanted !== null) {
      const epoch = wanted;
      wanted = null;
      if (store.frame?.playing) await ask(context, "pause");
      await ask(context, "rewind", { epoch });
    }
    scrubbing = false;
  }

  /** @returns {number[]} the epochs that can be gone to, those ahead included */
  const kept = () => store.frame?.history ?? store.state?.history ?? [];
  const last = () => Math.max(kept().at(-1) ?? 0, store.frame?.epoch ?? 0);

  function takeLosses() {
    const now = store.losses;
    const ahead = last() > (store.frame?.epoch ?? 0) && (whole.epoch.at(-1) ?? 0) >= last();
    if (ahead && isPart(now, whole)) return; // gone back only: what lies ahead can be gone to again
    whole = { epoch: [...now.epoch], train: [...now.train], test: [...now.test] };
  }

  store.subscribe((change) => {
    if (!visible || !["frame", "losses", "state"].includes(change)) return;
    const now = performance.now();
    if (now - drawn < REDRAW && store.frame?.playing) return;
    drawn = now;
    redraw();
  });

  function draw() {
    takeLosses();
    const epoch = store.frame?.epoch ?? 0;
    slider.max = String(last());
    if (!scrubbing) slider.value = String(epoch);
    const [train, test] = [store.frame?.train_loss ?? NaN, store.frame?.test_loss ?? NaN];
    const said = t("panels.history.place", { epoch, last: last(), train: formatNumber(train), test: formatNumber(test) });
    place.textContent = said;
    slider.setAttribute("aria-valuetext", said);
    const which = switches.which();
    chart.draw({
      lines: [
        { x: whole.epoch, y: whole[which], class: "strong", title: t("panels.history.present") },
        ...runs.visible().map((run) => ({ x: run.epoch, y: run[which], class: `kept run-${run.colour}`, title: run.name })),
      ],
      mark: epoch < last() ? epoch : undefined,
      logX: switches.logX(),
      logY: switches.logY(),
    });
  }

  return {
    shown: () => {
      visible = true;
      redraw();
    },
    hidden: () => {
      visible = false;
    },
  };
}

/**
 * Whether a curve is the beginning of another, as far as both were thinned alike.
 * @param {Losses} part
 * @param {Losses} whole
 */
function isPart(part, whole) {
  const at = whole.epoch.indexOf(part.epoch.at(-1) ?? 0);
  return whole.train[0] === part.train[0] && (at < 0 || Math.abs(whole.train[at] - (part.train.at(-1) ?? NaN)) < 1e-12);
}
