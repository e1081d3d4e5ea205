/** Points out of a table that was pasted, dropped or chosen; the server reads it and says what is wrong with it. */

import { h, replace } from "../../dom.js";
import { message, text } from "../../locale.js";
import { store } from "../../store.js";
import { button, sentence, tick } from "./parts.js";

/** @typedef {import("./parts.js").Context} Context */

const MOST_BYTES = 900_000;

/**
 * Make the part of the panel that reads tables.
 * @param {Context} context
 * @param {() => boolean} regression whether labels are numbers
 * @param {(state: import("../../store.js").State) => void} taken the data set now has the table's points
 * @returns {{ element: HTMLElement, acceptDrops: (target: HTMLElement) => void }}
 */
export function csvReader(context, regression, taken) {
  const area = h("textarea", { rows: 6, spellcheck: "false", class: "csv", "aria-label": message("panels.data.csv"), placeholder: "x,y,label\n1.5,-2,1\n-3,0.5,-1" });
  const file = h("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv,text/plain", class: "visually-hidden", tabindex: -1 });
  const scale = tick("panels.data.scale", false, () => {});
  const failure = h("p", { class: "failure", role: "alert", hidden: true });
  const element = h(
    "div",
    { class: "panel-column" },
    h("h3", null, text("panels.data.csv-title")),
    h("p", { class: "muted small" }, text("panels.data.csv-hint")),
    area,
    scale.element,
    h("div", { class: "panel-tools" }, button("panels.data.read", () => void read(area.value), "primary"), button("panels.data.file", () => file.click()), file),
    failure,
  );
  file.addEventListener("change", () => {
    const chosen = file.files?.[0];
    if (chosen) void readFile(chosen);
    file.value = "";
  });

  /** @param {File} chosen */
  async function readFile(chosen) {
    if (chosen.size > MOST_BYTES) return complain(text("panels.data.large", { name: chosen.name, limit: MOST_BYTES / 1000 }));
    area.value = await chosen.text();
    return read(area.value);
  }

  /** @param {string} csv */
  async function read(csv) {
    failure.hidden = true;
    try {
      const state = await context.call("points", { csv, regression: regression(), scale: scale.input.checked });
      store.takeState(state);
      taken(state);
      context.notify(text("panels.data.used", { train: state.points.train, test: state.points.test }));
    } catch (error) {
      complain(sentence(error));
    }
  }

  /** @param {Text} node */
  function complain(node) {
    failure.hidden = false;
    replace(failure, node);
  }

  /** @param {HTMLElement} target */
  function acceptDrops(target) {
    target.addEventListener("dragover", (event) => {
      event.preventDefault();
      target.classList.add("drop-target");
    });
    target.addEventListener("dragleave", (event) => {
      if (!(event.relatedTarget instanceof Node && target.contains(event.relatedTarget))) target.classList.remove("drop-target");
    });
    target.addEventListener("drop", (event) => {
      event.preventDefault();
      target.classList.remove("drop-target");
      const dropped = event.dataTransfer?.files[0];
      if (dropped) void readFile(dropped);
      else if (event.dataTransfer?.types.includes("text/plain")) void read((area.value = event.dataTransfer.getData("text/plain")));
    });
  }

  return { element, acceptDrops };
}
