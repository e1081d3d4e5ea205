/** Flatten, in PyTorch's order and in Keras's. */

import { h, replace } from "../dom.js";
import { between, createBoard } from "./board.js";
import { slider } from "./controls.js";
import { channelEditors } from "./channels.js";
import { output } from "./matrix.js";
import { text } from "../locale.js";

export function build() {
  const update = () => board.update();
  const rebuild = () => {
    editors.resize(count.value(), height.value(), width.value());
    replace(place, editors.list.map((editor) => editor.root));
    board.update();
  };
  const editors = channelEditors(2, 2, 3, update);
  const place = h("div", { class: "channels" }, editors.list.map((editor) => editor.root));
  const count = slider({ label: "layers.channels", min: 1, max: 4, value: 2, onchange: rebuild });
  const height = slider({ label: "layers.rows", min: 1, max: 4, value: 2, onchange: rebuild });
  const width = slider({ label: "layers.columns", min: 1, max: 4, value: 3, onchange: rebuild });
  const flat = {
    channels_first: output({ label: "layers.flatten.first", onpoint: (r, c) => board.point("channels_first", r, c), onleave: () => {} }),
    channels_last: output({ label: "layers.flatten.last", onpoint: (r, c) => board.point("channels_last", r, c), onleave: () => {} }),
  };
  const board = createBoard({
    page: "flatten",
    request: () => ({ channels: editors.values() }),
    inputs: editors.inputs,
    outputs: () => flat,
  });
  board.update();
  return {
    root: h(
      "div",
      { class: "layer-body" },
      h("div", { class: "controls" }, count.root, height.root, width.root),
      board.status,
      h("div", { class: "flow" }, place, between("→"), h("div", { class: "stack scroll" }, flat.channels_first.root, flat.channels_last.root)),
      board.work,
      h("p", { class: "note" }, text("layers.flatten.note")),
    ),
    stop: board.stop,
  };
}
