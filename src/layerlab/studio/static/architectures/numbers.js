/** The figures that move: each with its change against the setting before, and against the network that is pinned. */

import { h, replace } from "../dom.js";
import { formatNumber, onLanguage, t, text } from "../locale.js";
import { bytes, change, short, times } from "./figures.js";
import { writeSize } from "./state.js";

/** @typedef {import("./api.js").Numbers} Numbers */
/**
 * @typedef {object} Figure
 * @property {string} key of its name, and of the sentence that says what it is
 * @property {(numbers: Numbers) => number | null} value
 * @property {(count: number) => string} written
 * @property {boolean} [exact] whether all its digits stand below
 */

/** @type {Figure[]} */
const FIGURES = [
  { key: "parameters", value: (numbers) => numbers.parameters, written: short, exact: true },
  { key: "macs", value: (numbers) => numbers.macs, written: short, exact: true },
  { key: "weights", value: (numbers) => numbers.weight_bytes + numbers.buffer_bytes, written: bytes },
  { key: "gradients", value: (numbers) => numbers.gradient_bytes, written: bytes },
  { key: "optimizer", value: (numbers) => numbers.optimizer_bytes.Adam, written: bytes },
  { key: "backward", value: (numbers) => numbers.backward_bytes, written: bytes },
  { key: "peak", value: (numbers) => numbers.peak_bytes, written: bytes },
];

/**
 * @param {{ onpin: () => void }} options
 * @returns {{ root: HTMLElement, show: (now: Numbers, before: Numbers | null, pinned: Numbers | null) => void, stale: (is: boolean) => void }}
 */
export function numbersStrip({ onpin }) {
  const list = h("dl", { class: "architecture-numbers" });
  const said = h("p", { class: "architecture-title" });
  const notes = h("ul", { class: "architecture-notes muted small" });
  const pin = h("button", { type: "button", class: "button small", onclick: onpin });
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  const root = h("section", { class: "card architecture-strip" }, h("div", { class: "architecture-head" }, said, pin), list, notes, spoken);
  /** @type {[Numbers, Numbers | null, Numbers | null] | null} */
  let shown = null;

  function draw() {
    replace(pin, text(shown?.[2] ? "architectures.unpin" : "architectures.pin"));
    pin.setAttribute("aria-pressed", String(Boolean(shown?.[2])));
    if (!shown) return;
    const [now, before, pinned] = shown;
    const sizes = (/** @type {number[][]} */ shapes) => shapes.map((shape) => writeSize(shape)).join(", ");
    replace(
      said,
      h("strong", null, now.title),
      ` ${sizes(now.input)} → ${sizes(now.output)}`,
      h("span", { class: "muted" }, ` · ${t("architectures.layers", { count: now.layers })}${field(now)}`),
      pinned && h("span", { class: "muted" }, ` · ${t("architectures.against", { name: pinned.title })}`),
    );
    replace(list, FIGURES.map((figure) => drawFigure(figure, now, before, pinned)));
    const remarks = remarksOn(now);
    replace(notes, remarks.map((remark) => h("li", null, remark)));
    notes.hidden = remarks.length === 0;
    spoken.textContent = t("architectures.spoken", { parameters: short(now.parameters), macs: short(now.macs) });
  }

  onLanguage(draw);
  return {
    root,
    show(now, before, pinned) {
      shown = [now, before, pinned];
      draw();
    },
    stale: (is) => root.classList.toggle("stale", is),
  };
}

/**
 * @param {Figure} figure
 * @param {Numbers} now
 * @param {Numbers | null} before
 * @param {Numbers | null} pinned
 */
function drawFigure({ key, value, written, exact }, now, before, pinned) {
  const count = value(now);
  const least = key === "macs" && now.at_least ? "≥ " : "";
  const old = before && value(before);
  const other = pinned && value(pinned);
  const moved = count !== null && typeof old === "number" ? change(count, old, written) : "";
  const compared = count !== null && typeof other === "number" ? `${times(count, other)} ${t("architectures.of", { count: written(other) })}` : "";
  return h(
    "div",
    { class: `architecture-figure${moved ? " moved" : ""}`, title: t(`architectures.figure.${key}.what`), dataset: { figure: key } },
    h("dt", null, t(`architectures.figure.${key}`)),
    h("dd", { class: "value" }, count === null ? "–" : `${least}${written(count)}`),
    exact && h("dd", { class: "exact muted" }, formatNumber(count ?? 0)),
    h("dd", { class: "change" }, moved),
    pinned && h("dd", { class: "compared" }, compared),
  );
}

/**
 * What a reader must know of the figures.
 * @param {Numbers} numbers
 */
function remarksOn(numbers) {
  const remarks = [];
  const idle = numbers.parameters - numbers.executed;
  if (idle > 0) remarks.push(t("architectures.idle", { idle, executed: numbers.executed, parameters: numbers.parameters }));
  if (numbers.at_least) remarks.push(t("architectures.uncounted", { names: numbers.uncounted.join(", ") }));
  return remarks;
}

/** @param {Numbers} numbers */
function field(numbers) {
  const fields = numbers.receptive_field;
  if (!fields) return "";
  const written = new Set(fields).size === 1 ? String(fields[0]) : writeSize(fields);
  return ` · ${t("architectures.field", { size: written })}`;
}
