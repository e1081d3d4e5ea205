/** Global average and max pooling of sequences (1D) and images (2D): one number a channel. */

import { h, replace } from "../dom.js";
import { text } from "../locale.js";
import { between, createBoard } from "./board.js";
import { choice, slider } from "./controls.js";
import { channelEditors } from "./channels.js";
import { output } from "./matrix.js";

export function build() {
  const update = () => board.update();
  const rebuild = () => {
    editors.resize(count.value(), dims.value() === "1D" ? 1 : 3, dims.value() === "1D" ? 6 : 3);
    replace(place, editors.list.map((editor) => editor.root));
    board.update();
  };
  const editors = channelEditors(3, 3, 3, update);
  const place = h("div", { class: "channels" }, editors.list.map((editor) => editor.root));
  const dims = choice({ label: "layers.global-pooling.dims", choices: ["1D", "2D"], prefix: "layers.global-pooling.", value: "2D", onchange: rebuild });
  const count = slider({ label: "layers.channels", min: 1, max: 6, value: 3, onchange: rebuild });
  const pooled = {
    average: output({ label: "layers.global-pooling.average", onpoint: (r, c) => board.point("average", r, c), onleave: () => {} }),
    maximum: output({ label: "layers.global-pooling.max", onpoint: (r, c) => board.point("maximum", r, c), onleave: () => {} }),
  };
  const board = createBoard({
    page: "global-pooling",
    request: () => ({ channels: editors.values() }),
    inputs: editors.inputs,
    outputs: () => pooled,
    together: true,
  });
  board.update();
  return {
    root: h(
      "div",
      { class: "layer-body" },
      h("div", { class: "controls" }, dims.root, count.root),
      board.status,
      h("div", { class: "flow" }, place, between("→"), pooled.average.root, pooled.maximum.root),
      board.work,
      h("p", { class: "note" }, text("layers.global-pooling.note")),
    ),
    stop: board.stop,
  };
}
