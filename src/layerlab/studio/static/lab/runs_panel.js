/** The runs that have arrived: which comparison, measure and task are shown, the picture, and what a click opens. */

import { h, replace } from "../dom.js";
import { Refused, worded } from "../layers/api.js";
import { number } from "../learn/words.js";
import { message, t, text } from "../locale.js";
import { ask, said } from "./api.js";
import { strip } from "./strip.js";

/** @typedef {import("./api.js").Live} Live */
/** @typedef {import("./api.js").Panel} Panel */
/** @typedef {import("./api.js").Trial} Trial */

/**
 * @param {{ design: () => string, onopen: (link: string) => void }} options
 * @returns {{ root: HTMLElement, show: (live: Live | null) => void, open: (key: string) => Promise<void> }}
 */
export function runsPanel({ design, onopen }) {
  const picture = strip({ onopen: (key) => void open(key) });
  const comparison = choice("comparison");
  const metric = choice("metric");
  const task = choice("task");
  const hidden = h("p", { class: "muted small" });
  const opened = h("div", { class: "lab-opened", role: "status" });
  const root = h("section", { class: "card lab-runs", "aria-label": message("lab.runs"), hidden: true },
    h("h3", null, text("lab.runs")), h("div", { class: "lab-views" }, comparison.field, metric.field, task.field), picture.root,
    h("p", { class: "lab-legend muted small" }, text("lab.legend")), hidden, opened);
  /** @type {Live | null} */
  let live = null;
  for (const { select } of [comparison, metric, task]) select.addEventListener("change", draw);

  function draw() {
    root.hidden = !live || live.panels.every((panel) => panel.arms.length === 0);
    if (!live || root.hidden) return;
    comparison.fill(live.panels.map((panel) => (said(panel.title) || panel.name)));
    const panel = live.panels[comparison.at()];
    metric.fill(panel.metrics.map((one) => said(one.label)));
    const several = panel.tasks.length > 1;
    task.fill(several ? [text("lab.all-tasks"), ...panel.tasks.map((one) => said(one.label))] : [said(panel.tasks[0]?.label ?? { en: "", pl: "" })]);
    picture.show({ panel, metric: metric.at(), task: several ? task.at() - 1 : -1 });
    replace(hidden, panel.hidden ? text("lab.hidden", { count: panel.hidden }) : "");
  }

  /** @param {string} key */
  async function open(key) {
    try {
      /** @type {Trial} */
      const trial = await ask("trial", { design: design(), key });
      const address = `/#${trial.link}`;
      const link = h("a", { class: "button primary", href: address, onclick: (/** @type {MouseEvent} */ event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        onopen(trial.link);
      } }, text("lab.open"));
      const values = { epochs: trial.epochs, loss: trial.loss === null ? "–" : number(trial.loss) };
      replace(opened, h("span", null, t(trial.failure ? "lab.opened.failed" : "lab.opened", values)), link);
      link.focus();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      replace(opened, worded(error.problem));
    }
  }

  return {
    root,
    open,
    show(next) {
      live = next;
      if (!next) replace(opened);
      draw();
    },
  };
}

/** @param {string} name */
function choice(name) {
  const select = h("select", { dataset: { view: name } });
  const field = h("label", { class: "field" }, h("span", null, text(`lab.view.${name}`)), select);
  let key = "";
  return {
    select,
    field,
    at: () => Math.max(0, select.selectedIndex),
    /** @param {(string | Text)[]} labels */
    fill(labels) {
      field.hidden = labels.length < 2;
      const now = labels.map((label) => (typeof label === "string" ? label : label.data)).join("\n");
      if (now === key) return;
      key = now;
      const at = select.selectedIndex;
      replace(select, labels.map((label, i) => h("option", { value: i }, label)));
      select.selectedIndex = at >= 0 && at < labels.length ? at : 0;
    },
  };
}
