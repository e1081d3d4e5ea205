/** What of a question can be chosen: the kind of task, the tasks, the seeds. */

import { h, replace } from "../dom.js";
import { text } from "../locale.js";
import { said } from "./api.js";

/** @typedef {import("./api.js").Asked} Asked */
/** @typedef {import("./api.js").Named} Named */
/** @typedef {{ engine: string, tasks: Named[], seeds: number }} Kind */

/**
 * @param {{ onchange: (part: Partial<Asked>, typing?: boolean) => void }} options
 * @returns {{ root: HTMLElement, show: (kinds: Kind[], asked: Asked, most: number) => void }}
 */
export function askingOptions({ onchange }) {
  const kind = h("select");
  const kindField = h("label", { class: "field" }, h("span", null, text("lab.kind")), kind);
  const tasks = h("fieldset", { class: "lab-tasks" });
  const seeds = h("input", { type: "number", min: 1, step: 1, inputmode: "numeric", "aria-describedby": "lab-seeds-hint" });
  const hint = h("span", { class: "muted small", id: "lab-seeds-hint" }, text("lab.seeds.hint"));
  /** @type {Kind[]} */
  let known = [];

  kind.addEventListener("change", () => {
    const chosen = known[Number(kind.value)];
    onchange({ on: chosen === known[0] ? [] : chosen.tasks.map((task) => task.name) });
  });
  seeds.addEventListener("change", () => {
    const value = Math.round(Number(seeds.value));
    if (seeds.value !== "" && value >= 1) onchange({ seeds: value }, true);
  });

  return {
    root: h("div", { class: "lab-options" }, kindField, tasks, h("label", { class: "field lab-seeds" }, h("span", null, text("lab.seeds")), seeds), hint),
    show(kinds, asked, most) {
      known = kinds;
      const at = Math.max(0, kinds.findIndex((one) => asked.on.length > 0 && asked.on.every((task) => one.tasks.some(({ name }) => name === task))));
      const present = kinds[at];
      kindField.hidden = kinds.length < 2;
      replace(kind, kinds.map((one, i) => h("option", { value: i }, named(one, kinds))));
      kind.value = String(at);
      seeds.max = String(most);
      if (document.activeElement !== seeds) seeds.value = String(asked.seeds ?? present?.seeds ?? 10);
      const chosen = new Set(asked.on.length ? asked.on : (present?.tasks ?? []).map((task) => task.name));
      const boxes = (present?.tasks ?? []).map((task) => {
        const box = h("input", { type: "checkbox", value: task.name, checked: chosen.has(task.name) });
        box.addEventListener("change", () => {
          const wanted = [...tasks.querySelectorAll("input")].filter((one) => one.checked).map((one) => one.value);
          if (wanted.length === 0) box.checked = true; // one at least
          else onchange({ on: at === 0 && wanted.length === present.tasks.length ? [] : wanted });
        });
        return h("label", { class: "check" }, box, said(task.label));
      });
      const before = tasks.contains(document.activeElement) ? /** @type {HTMLInputElement} */ (document.activeElement).value : null;
      replace(tasks, h("legend", null, text("lab.tasks")), boxes);
      tasks.hidden = boxes.length < 2;
      for (const box of tasks.querySelectorAll("input")) if (box.value === before) box.focus();
    },
  };
}

/** @param {Kind} kind @param {Kind[]} kinds */
function named(kind, kinds) {
  const alike = kinds.filter((one) => one.engine === kind.engine).length > 1;
  return [text(`lab.kind.${kind.engine}`), alike ? ` (${kind.tasks.map((task) => said(task.label)).join(", ")})` : null];
}
