/** Step inside: one point's way through the network and back, and the chain rule of the link that is pointed at. */

import { h, onceAFrame, replace } from "../../dom.js";
import { message, onLanguage, text } from "../../locale.js";
import { chainOf } from "./inside_chain.js";
import { networkPicture } from "./inside_picture.js";
import { pointChooser } from "./inside_point.js";
import { linkTable } from "./inside_table.js";
import { brief } from "./numbers.js";
import { choice, sentence } from "./parts.js";
import { nearest } from "./trace.js";

/** @typedef {import("./parts.js").Context} Context */
/** @typedef {import("./parts.js").Panel} Panel */
/** @typedef {import("./trace.js").Trace} Trace */
/** @typedef {import("./trace.js").Place} Place */

const ASK_AGAIN = 250;

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {Panel}
 */
export function mount(root, context) {
  const { store } = context;
  let visible = false;
  /** @type {Trace | null} */
  let trace = null;
  /** @type {Place} */
  let chosen = { layer: 0, unit: 0, piece: 0, source: 0 };
  let asking = false;
  let wanted = false;

  const chooser = pointChooser(context, () => void ask());
  const way = choice(message("panels.inside.way"), /** @type {const} */ (["forward", "backward"]), (name) => `panels.inside.show-${name}`, "forward", () => redraw());
  const picture = networkPicture(choose);
  const summary = h("p", { class: "inside-summary" });
  const failure = h("p", { class: "failure", role: "alert", hidden: true });
  const chain = h("div", { class: "chain", "aria-live": "polite" });
  const table = h("div");
  const details = h("details", { class: "inside-details" }, h("summary", null, text("panels.inside.table")), table);
  const redraw = onceAFrame(draw);
  details.addEventListener("toggle", redraw);
  onLanguage(redraw);
  replace(
    root,
    h("p", { class: "panel-lead" }, text("panels.inside.lead")),
    failure,
    h(
      "div",
      { class: "inside-columns" },
      chooser.element,
      h("div", { class: "panel-column" }, h("div", { class: "panel-tools" }, way.element, summary), h("div", { class: "scroll-x" }, picture.element), chain, details),
    ),
  );
  store.subscribe((change) => {
    if (!visible || (change !== "frame" && change !== "state")) return;
    chooser.redraw();
    void ask();
  });

  /** Ask for the trace of the present network; while one is on its way only the newest wish counts. */
  async function ask() {
    wanted = true;
    if (asking || !store.state) return;
    asking = true;
    while (wanted && visible) {
      wanted = false;
      const began = performance.now();
      try {
        trace = (await context.call("inside", { ...chooser.point() })).trace;
        failure.hidden = true;
      } catch (error) {
        failure.hidden = false;
        replace(failure, sentence(error));
      }
      redraw();
      // Other work comes first: of a large network a trace is long.
      const rest = Math.max(ASK_AGAIN, 3 * (performance.now() - began));
      if (store.frame?.playing) await new Promise((resolve) => setTimeout(resolve, rest));
    }
    asking = false;
  }

  /** @param {Place} place */
  function choose(place) {
    chosen = place;
    redraw();
  }

  function draw() {
    const { state } = store;
    if (!trace || !state || trace.layers.length !== state.network.layers.length) return;
    chosen = nearest(trace, chosen);
    const now = trace;
    replace(summary, text("panels.inside.summary", () => ({ outputs: now.outputs.map((value) => brief(value)).join("; "), label: brief(now.label), loss: brief(now.loss) })));
    picture.draw(trace, chosen, way.value());
    replace(chain, chainOf(state, trace, chosen));
    if (details.open) replace(table, linkTable(state, trace, chosen, choose));
  }

  return {
    shown: () => {
      visible = true;
      chooser.redraw();
      void ask();
    },
    hidden: () => {
      visible = false;
    },
  };
}
