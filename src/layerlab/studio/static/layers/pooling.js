/** Max and average pooling side by side, first with the lecture's two matrices. */

import { h } from "../dom.js";
import { text } from "../locale.js";
import { between, createBoard } from "./board.js";
import { button, choice, resized, slider } from "./controls.js";
import { editable, output } from "./matrix.js";

const MAXIMUM = [[29, 15, 28, 184], [0, 100, 70, 38], [12, 12, 7, 2], [12, 12, 45, 6]];
const AVERAGE = [[31, 15, 28, 184], [0, 100, 70, 38], [12, 12, 7, 2], [12, 12, 45, 6]];

export function build() {
  const update = () => {
    note.hidden = !(isLecture() && kernel.value() === 2 && stride.value() === 2 && padding.value() === "0");
    board.update();
  };
  const resize = () => {
    for (const side of sides) side.set(resized(side.values(), size.value(), size.value(), () => Math.floor(Math.random() * 100)));
    update();
  };
  const maximum = editable({ label: "layers.input", values: MAXIMUM, onchange: update });
  const average = editable({ label: "layers.input", values: AVERAGE, onchange: update });
  const sides = [maximum, average];
  const size = slider({ label: "layers.size", min: 2, max: 8, value: 4, onchange: resize });
  const kernel = slider({ label: "layers.window", min: 1, max: 4, value: 2, onchange: update });
  const stride = slider({ label: "layers.stride", min: 1, max: 4, value: 2, onchange: update });
  const padding = choice({ label: "layers.padding", choices: ["0", "1", "same"], prefix: "layers.padding.", value: "0", onchange: update });
  const pooled = {
    maximum: output({ label: "layers.pooling.max", onpoint: (r, c) => board.point("maximum", r, c), onleave: () => {} }),
    average: output({ label: "layers.pooling.average", onpoint: (r, c) => board.point("average", r, c), onleave: () => {} }),
  };
  const board = createBoard({
    page: "pooling",
    request: () => ({
      maximum: maximum.values(),
      average: average.values(),
      kernel: kernel.value(),
      stride: stride.value(),
      padding: padding.value() === "same" ? "same" : Number(padding.value()),
    }),
    inputs: { maximum, average },
    outputs: () => pooled,
    together: true,
  });
  const isLecture = () => JSON.stringify(average.values()) === JSON.stringify(AVERAGE);
  const lecture = () => {
    maximum.set(MAXIMUM);
    average.set(AVERAGE);
    for (const [control, value] of /** @type {const} */ ([[size, 4], [kernel, 2], [stride, 2]])) control.set(value);
    padding.set("0");
    update();
  };
  const same = () => {
    average.set(maximum.values());
    update();
  };
  const note = h("p", { class: "note" }, text("layers.pooling.note"));
  update();
  return {
    root: h(
      "div",
      { class: "layer-body" },
      h("div", { class: "controls" }, size.root, kernel.root, stride.root, padding.root, button("layers.lecture", lecture), button("layers.pooling.same", same)),
      board.status,
      h(
        "div",
        { class: "side-by-side" },
        h("section", null, h("h3", null, text("layers.pooling.max")), h("div", { class: "flow" }, maximum.root, between("→"), pooled.maximum.root)),
        h("section", null, h("h3", null, text("layers.pooling.average")), h("div", { class: "flow" }, average.root, between("→"), pooled.average.root)),
      ),
      board.work,
      note,
    ),
    stop: board.stop,
  };
}
