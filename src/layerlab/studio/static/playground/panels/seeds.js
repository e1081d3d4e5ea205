/** Seeds: one specification with many seeds at once, as a fan of curves and a grid of decision maps. */

import { h, onceAFrame, replace } from "../../dom.js";
import { message, t, text } from "../../locale.js";
import { onStatus } from "../../socket.js";
import { request } from "../session.js";
import { lineChart } from "./chart.js";
import { brief } from "./numbers.js";
import { ask, button, field, lossSwitches } from "./parts.js";
import { readSeeds } from "./seed_results.js";
import { seedGrid } from "./seed_grid.js";
import { fan, quantile } from "./statistics.js";

/** @typedef {import("./parts.js").Context} Context */
/** @typedef {import("./parts.js").Panel} Panel */
/** @typedef {import("./seed_results.js").SeedResults} SeedResults */

const EPOCHS = [25, 50, 100, 200, 500, 1000, 2000];
const ORDERS = /** @type {const} */ (["seed", "test", "train"]);

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {Panel}
 */
export function mount(root, context) {
  /** @type {SeedResults | null} */
  let results = null;
  let ranWith = "";
  let running = false;
  let ended = false;

  const count = h("input", { type: "number", min: 1, max: 64, value: 16, required: true, class: "short" });
  const epochs = h("select", null, EPOCHS.map((value) => h("option", { value, selected: value === 100 }, value)));
  const order = h("select", null, ORDERS.map((name) => h("option", { value: name }, text(`panels.seeds.order.${name}`))));
  const run = button("panels.seeds.run", () => void start(), "primary");
  const cancel = button("panels.seeds.cancel", () => void stop());
  const progress = h("progress", { max: 1, value: 0, "aria-label": message("panels.seeds.progress") });
  const status = h("p", { class: "muted", role: "status" });
  const stale = h("p", { class: "panel-note", hidden: true }, text("panels.seeds.stale"));
  const figures = h("dl", { class: "figures" });
  const chart = lineChart({ label: message("panels.seeds.fan"), x: message("panels.epoch"), y: message("panels.loss") });
  const redraw = onceAFrame(draw);
  const switches = lossSwitches(redraw);
  const grid = seedGrid({ open: (index) => void openSeed(index), point: highlight });
  const shown = h(
    "div",
    { class: "seeds-results", hidden: true },
    h("div", { class: "panel-column" }, h("div", { class: "panel-tools" }, switches.elements), chart.element, h("p", { class: "muted small" }, text("panels.seeds.legend")), figures),
    h("div", { class: "panel-column" }, h("div", { class: "panel-tools" }, field("panels.seeds.order", order), h("p", { class: "muted small" }, text("panels.seeds.open-hint"))), grid.element),
  );
  replace(
    root,
    h("p", { class: "panel-lead" }, text("panels.seeds.lead")),
    h("div", { class: "panel-tools" }, field("panels.seeds.count", count), field("panels.seeds.epochs", epochs), run, cancel, progress, status),
    stale,
    shown,
  );
  order.addEventListener("change", redraw);
  onStatus((status) => status === "lost" && finish(true));
  cancel.hidden = progress.hidden = true;
  context.onFrame((frame) => {
    if (frame.kind !== "seeds") return;
    results = readSeeds(frame);
    if (results.finished) finish(false);
    redraw();
  });
  context.store.subscribe((change) => {
    if (change === "state") stale.hidden = !results || withoutSeed(context) === ranWith;
  });

  async function start() {
    if (!count.reportValidity()) return;
    const reply = await ask(context, "seeds", { count: Number(count.value), epochs: Number(epochs.value) });
    if (!reply) return;
    [results, running, ended, ranWith] = [null, true, false, withoutSeed(context)];
    stale.hidden = true;
    run.hidden = true;
    cancel.hidden = progress.hidden = false;
    cancel.focus();
    progress.value = 0;
    replace(status, text("panels.seeds.started"));
  }

  async function stop() {
    await ask(context, "cancel");
    finish(true);
  }

  /** @param {boolean} cancelled */
  function finish(cancelled) {
    if (!running) return;
    running = false;
    ended = true;
    const hadFocus = document.activeElement === cancel;
    run.hidden = false;
    cancel.hidden = progress.hidden = true;
    if (hadFocus) run.focus();
    const values = () => ({ count: results?.seeds.length ?? 0, epochs: results?.epochs ?? 0 });
    replace(status, text(cancelled ? "panels.seeds.cancelled" : "panels.seeds.finished", values));
  }

  function draw() {
    if (!results) return;
    shown.hidden = false;
    const which = switches.which();
    const lines = results.seeds.map((seed) => ({ x: seed.epoch, y: seed[which], diverged: seed.diverged }));
    const middle = fan(lines);
    chart.draw({
      lines: [
        ...lines.map((line, i) => ({ ...line, class: "thin", title: t("panels.seeds.seed", { seed: results?.seeds[i].name ?? "" }) })),
        { x: middle.x, y: middle.middle, class: "strong", title: t("panels.seeds.median") },
      ],
      band: middle,
      logX: switches.logX(),
      logY: switches.logY(),
    });
    grid.draw(results, sorted(results, order.value), which);
    replace(figures, summary(results, which));
    if (!running && ended) return;
    const through = results.seeds.map((seed) => seed.epoch.at(-1) ?? 0);
    progress.value = through.reduce((sum, epoch) => sum + epoch, 0) / (results.epochs * through.length);
    const [done, total] = [results.done, results.seeds.length];
    replace(status, text("panels.seeds.running", { done, total }));
  }

  /** @param {number | null} index of the seed whose line stands out */
  function highlight(index) {
    chart.element.querySelectorAll(".chart-line").forEach((line, i) => line.classList.toggle("chosen", i === index));
  }

  /** @param {number} index */
  async function openSeed(index) {
    const state = await request("open_seed", { index });
    if (state) context.notify(text("panels.seeds.opened", { seed: results?.seeds[index].name ?? "" }));
  }

  return { shown: redraw };
}

/**
 * What a run over seeds depends on.
 * @param {Context} context
 */
function withoutSeed(context) {
  return JSON.stringify({ ...context.store.state?.specification, seed: "" });
}

/**
 * The indices of the seeds in an order; diverged ones last.
 * @param {SeedResults} results
 * @param {string} order
 * @returns {number[]}
 */
function sorted({ seeds }, order) {
  const indices = seeds.map((_, i) => i);
  if (order !== "train" && order !== "test") return indices;
  const loss = (/** @type {number} */ i) => (Number.isFinite(seeds[i].final[order]) ? seeds[i].final[order] : Infinity);
  return indices.sort((a, b) => (loss(a) === loss(b) ? a - b : loss(a) - loss(b)));
}

/**
 * @param {SeedResults} results
 * @param {"train" | "test"} which
 */
function summary({ seeds }, which) {
  const begun = seeds.filter((seed) => seed.epoch.length);
  const values = begun.map((seed) => seed.final[which]).map((value) => (Number.isFinite(value) ? value : Infinity)).sort((a, b) => a - b);
  /** @type {[string, number][]} */
  const rows = [
    ["best", values[0]],
    ["lower", quantile(values, 0.25)],
    ["median", quantile(values, 0.5)],
    ["upper", quantile(values, 0.75)],
    ["worst", values[values.length - 1]],
    ["diverged", begun.filter((seed) => seed.diverged).length],
  ];
  return rows.map(([name, value]) =>
    h("div", null, h("dt", null, text(`panels.seeds.${name}`)), h("dd", null, brief(value))),
  );
}
