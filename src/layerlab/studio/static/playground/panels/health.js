/** Health: what each layer puts out, how much gradient reaches it, and what is wrong with it. */

import { h, onceAFrame, replace } from "../../dom.js";
import { message, onLanguage, t, text } from "../../locale.js";
import { onStatus } from "../../socket.js";
import { histogramPicture, sizeBars } from "./histogram.js";
import { brief, percent } from "./numbers.js";
import { ask } from "./parts.js";

/** @typedef {import("./parts.js").Context} Context */
/** @typedef {import("./parts.js").Panel} Panel */
/** @typedef {import("./histogram.js").Histogram} Histogram */
/**
 * @typedef {{ layer: number, output: boolean, activation: string, activations: Histogram, gradients: Histogram, dead: number[],
 *   dead_share: number, saturated: number, gradient_norm: number, gradient_size: number, weight_norm: number,
 *   step_size: number, finite: boolean }} LayerHealth
 */
/** @typedef {{ kind: "vanishing" | "exploding" | "dead" | "saturated", layer: number, values: Record<string, number> }} Verdict */
/** @typedef {{ layers: LayerHealth[], verdicts: Verdict[] }} Health */

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
  /** Whether frames of the present connection were asked to carry health. */
  let watching = false;
  let spoken = "";
  const findings = h("ul", { class: "findings", "aria-label": message("panels.health.findings") });
  const status = h("p", { class: "visually-hidden", role: "status" });
  const bars = h("div", { class: "bars" });
  const layers = h("div", { class: "health-layers" });
  replace(
    root,
    h("p", { class: "panel-lead" }, text("panels.health.lead")),
    findings,
    status,
    h("h3", null, text("panels.health.sizes")),
    h("p", { class: "muted small" }, text("panels.health.sizes-hint")),
    bars,
    h("h3", null, text("panels.health.layers")),
    h("p", { class: "muted small" }, text("panels.health.layers-hint")),
    layers,
  );
  const redraw = onceAFrame(draw);
  onLanguage(redraw);
  new ResizeObserver(redraw).observe(bars);
  onStatus((status) => {
    watching = watching && status === "open";
  });
  store.subscribe((change) => {
    if (!visible || (change !== "frame" && change !== "state")) return;
    watch();
    const now = performance.now();
    if (now - drawn < REDRAW && store.frame?.playing) return;
    drawn = now;
    redraw();
  });

  function watch() {
    if (watching || !store.state) return;
    watching = true;
    void ask(context, "watch", { health: true });
  }

  function draw() {
    /** @type {Health | undefined} */
    const found = store.frame?.health;
    if (!visible || !found) return;
    replace(findings, found.verdicts.length ? found.verdicts.map(finding) : h("li", { class: "fine" }, text("panels.health.fine")));
    const kinds = found.verdicts.map(({ kind, layer }) => `${kind}${layer}`).join();
    if (kinds !== spoken) replace(status, found.verdicts.map((verdict) => verdictText(verdict, found.layers)).join(" ") || t("panels.health.fine"));
    spoken = kinds;
    const width = Math.max(320, bars.clientWidth);
    const rows = found.layers.map((layer) => ({
      name: nameOf(layer),
      size: layer.gradient_size,
      look: found.verdicts.some(({ kind, layer: at }) => at === layer.layer && (kind === "vanishing" || kind === "exploding")) ? "bar bad" : "bar",
    }));
    replace(bars, sizeBars(rows, t("panels.health.sizes"), width));
    replace(layers, found.layers.map(card));

    /** @param {Verdict} verdict */
    function finding(verdict) {
      return h("li", { class: `finding ${verdict.kind}` }, verdictText(verdict, found?.layers ?? []));
    }
  }

  return {
    shown: () => {
      visible = true;
      watch();
      redraw();
    },
    hidden: () => {
      visible = false;
      if (watching) void ask(context, "watch", { health: false });
      watching = false;
    },
  };
}

/** @param {{ layer: number, output: boolean }} layer */
function nameOf({ layer, output }) {
  return output ? t("panels.layer.output") : t("panels.layer.hidden", { number: layer + 1 });
}

/**
 * @param {Verdict} verdict
 * @param {LayerHealth[]} layers
 */
function verdictText({ kind, layer, values }, layers) {
  const shown = Object.entries(values).map(([name, value]) => [name, name === "share" ? percent(value) : value >= 1e300 ? "∞" : brief(value, 2)]);
  return t(`panels.health.verdict.${kind}`, { ...Object.fromEntries(shown), layer: nameOf(layers[layer]) });
}

/** @param {LayerHealth} layer */
function card(layer) {
  const { activations, gradients, dead, activation, saturated, gradient_norm, weight_norm } = layer;
  return h(
    "section",
    { class: "health-layer" },
    h("h4", null, `${nameOf(layer)} · ${t(`panels.activation.${activation}`)}`),
    h(
      "div",
      { class: "health-pictures" },
      h("figure", null, h("figcaption", null, t("panels.health.activations")), histogramPicture(activations, t("panels.health.activations"), "bar activation")),
      h("figure", null, h("figcaption", null, t("panels.health.gradients")), histogramPicture(gradients, t("panels.health.gradients"), "bar")),
    ),
    h(
      "dl",
      { class: "figures" },
      fact("norm", gradient_norm),
      fact("weights", weight_norm),
      !layer.output && fact("dead", dead.length ? dead.map((unit) => unit + 1).join(", ") : "–"),
      !layer.output && fact("saturated", percent(saturated)),
    ),
  );
}

/**
 * @param {string} name
 * @param {number | string} value
 */
function fact(name, value) {
  const shown = typeof value === "string" ? value : value >= 1e300 ? "∞" : brief(value);
  return h("div", null, h("dt", null, t(`panels.health.${name}`)), h("dd", null, shown));
}
