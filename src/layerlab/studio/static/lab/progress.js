/** How far the experiment is: phases, bar, time left, the verdict so far, and the buttons that begin and end it. */

import { h, replace } from "../dom.js";
import { worded } from "../layers/api.js";
import { formatNumber, message, t, text } from "../locale.js";
import { said } from "./api.js";
import { duration } from "./durations.js";

/** @typedef {import("./api.js").Live} Live */
/** @typedef {import("./api.js").Status} Status */

const PHASES = /** @type {const} */ (["timing", "tuning", "replicates"]);
/** Milliseconds between two sentences for those who listen. */
const SPOKEN = 10_000;

/**
 * @param {{ onrun: () => void, onstop: () => void }} options
 * @returns {{
 *   root: HTMLElement, show: (status: Status | null, live: Live | null, answered: boolean, ready: boolean) => void,
 *   connection: (lost: boolean) => void
 * }}
 */
export function progressCard({ onrun, onstop }) {
  const run = h("button", { type: "button", class: "button primary lab-run", onclick: onrun });
  const stop = h("button", { type: "button", class: "button lab-stop", onclick: onstop }, text("lab.stop"));
  const state = h("p", { class: "lab-state" });
  const phases = h("ol", { class: "lab-phases" }, PHASES.map((name) => h("li", { dataset: { phase: name } }, text(`lab.phase.${name}`))));
  const bar = h("progress", { max: 1, "aria-label": message("lab.progress") });
  const count = h("p", { class: "lab-count muted" });
  const verdict = h("p", { class: "lab-verdict" });
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  const lost = h("p", { class: "failure", role: "status", hidden: true }, text("lab.lost"));
  const moving = h("div", { class: "lab-moving" }, phases, bar, count, verdict);
  let lastSpoken = 0;
  let lastPhase = "";

  /** @param {string} sentence @param {string} phase */
  function speak(sentence, phase) {
    const now = performance.now();
    if (phase === lastPhase && now - lastSpoken < SPOKEN) return;
    [lastSpoken, lastPhase] = [now, phase];
    spoken.textContent = sentence;
  }

  return {
    root: h("div", { class: "lab-progress" }, h("div", { class: "lab-actions" }, run, stop, state), lost, moving, spoken),
    connection(isLost) {
      lost.hidden = !isLost;
    },
    show(status, live, answered, ready) {
      const name = status?.state ?? "none";
      const under = name === "queued" || name === "running";
      const begun = name === "stopped" || name === "late" || name === "failed";
      run.hidden = under || answered || name === "done";
      run.disabled = !ready;
      replace(run, t(begun ? "lab.resume" : "lab.run"));
      stop.hidden = !under;
      replace(state, sentence(status, answered));
      state.classList.toggle("failure", name === "failed");
      const progress = status?.progress ?? null;
      moving.hidden = name !== "running" && !(begun && progress);
      moving.classList.toggle("still", name !== "running");
      const at = PHASES.findIndex((phase) => phase === progress?.phase);
      for (const [i, item] of [...phases.children].entries()) {
        item.classList.toggle("past", i < at);
        if (i === at) item.setAttribute("aria-current", "step");
        else item.removeAttribute("aria-current");
      }
      if (progress) {
        bar.max = Math.max(1, progress.total);
        bar.value = progress.done;
        const left = name === "running" && progress.seconds_left !== null ? t("lab.left", { time: duration(progress.seconds_left) }) : "";
        const done = t("lab.done", { done: formatNumber(progress.done), total: formatNumber(progress.total) });
        replace(count, `${done}${left && ` · ${left}`}`);
        if (name === "running") speak(`${t(`lab.phase.${progress.phase}`)}: ${done}. ${left}`, progress.phase);
      } else {
        bar.removeAttribute("value");
        replace(count, name === "running" ? t("lab.beginning") : "");
      }
      replace(verdict, live && !live.complete ? said(live.verdict) : "");
    },
  };
}

/** @param {Status | null} status @param {boolean} answered */
function sentence(status, answered) {
  if (status?.state === "queued") return status.place ? t("lab.state.queued", { place: status.place }) : t("lab.state.next");
  if (status?.state === "failed") return status.problem ? worded(status.problem) : t("error.internal");
  if (status?.state === "stopped") return t("lab.state.stopped");
  if (status?.state === "late") return t("lab.state.late");
  return answered ? t("lab.state.answered") : "";
}
