/** The banner of a run whose numbers left the finite: what happened, and the change that was tried and helped. */

import { h, replace } from "../../dom.js";
import { formatNumber, hasText, t, text } from "../../locale.js";
import { request } from "../session.js";
import { button } from "./parts.js";

/** @typedef {import("./parts.js").Context} Context */
/** @typedef {{ changes: Record<string, unknown>, from_epoch: number, epochs: number, train_loss: number | null, test_loss: number | null }} Remedy */
/** @typedef {{ step: number, epoch: number, layer: number, largest_weight: number | null, largest_gradient: number | null, remedy: Remedy | null, tried: Record<string, unknown>[] }} Divergence */

/**
 * Show the banner whenever a run diverges, until it is over.
 * @param {HTMLElement} root
 * @param {Context} context
 */
export function mountDivergence(root, context) {
  root.setAttribute("role", "alert");
  root.hidden = true;
  const close = () => {
    root.hidden = true;
    replace(root);
  };
  context.on("diverged", (message) => {
    const hidden = (context.store.state?.network.layers.length ?? 1) - 1;
    root.hidden = false;
    replace(
      root,
      h("div", null, h("strong", null, text("panels.diverged.title")), h("p", null, text("panels.diverged.what", () => happened(message, hidden))), remedyText(message)),
      h(
        "div",
        { class: "panel-banner-actions" },
        message.remedy && button("panels.diverged.apply", () => void apply(message.remedy).then((done) => done && close()), "primary"),
        button("panels.diverged.reset", () => void request("reset", { new_weights: false }).then((done) => done && close())),
        button("common.close", close),
      ),
    );
  });
  context.store.subscribe((change) => {
    // Going back to a finite epoch, or another network, ends it as well.
    if (change === "frame" && !root.hidden && Number.isFinite(context.store.frame?.train_loss ?? NaN)) close();
  });
}

/** @param {Remedy} remedy */
async function apply(remedy) {
  const changed = await request("change", { changes: remedy.changes });
  return changed && request("reset", { new_weights: false });
}

/**
 * @param {Divergence} divergence
 * @param {number} hidden hidden layers
 */
function happened({ step, epoch, layer, largest_weight, largest_gradient }, hidden) {
  return {
    step,
    epoch,
    layer: layer >= hidden ? t("panels.layer.output") : t("panels.layer.hidden", { number: layer + 1 }),
    weight: figure(largest_weight),
    gradient: figure(largest_gradient),
  };
}

/** @param {Divergence} divergence */
function remedyText({ remedy, tried }) {
  if (!remedy) return h("p", null, text("panels.diverged.no-remedy", { count: tried.length }));
  const { changes, epochs, train_loss } = remedy;
  return h("p", null, text("panels.diverged.remedy", () => ({ changes: listed(changes), epochs, loss: figure(train_loss) })));
}

/** @param {Record<string, unknown>} changes */
function listed(changes) {
  return Object.entries(changes)
    .filter(([, value]) => !Array.isArray(value))
    .map(([name, value]) => {
      const key = `panels.diverged.field.${name}`;
      return `${hasText(key) ? t(key) : name} = ${typeof value === "number" ? formatNumber(value) : String(value)}`;
    })
    .join(", ");
}

/** @param {number | null} value */
function figure(value) {
  if (value === null) return "∞";
  const size = Math.abs(value);
  return formatNumber(value, size >= 1e6 || (size > 0 && size < 1e-4) ? { notation: "scientific", maximumSignificantDigits: 3 } : { maximumSignificantDigits: 3 });
}
