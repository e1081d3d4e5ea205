/** Dense: every output is a weighted sum of all inputs. */

import { h, replace } from "../dom.js";
import { formatNumber, text } from "../locale.js";
import { between, createBoard } from "./board.js";
import { choice, resized, slider } from "./controls.js";
import { editable, output } from "./matrix.js";

const ACTIVATIONS = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu"];

export function build() {
  const update = () => board.update();
  const resize = () => {
    const [n, m] = [ins.value(), outs.value()];
    inputs.set(resized(inputs.values(), n, 1, (r) => r + 1));
    weights.set(resized(weights.values(), m, n, (r, c) => (((r + 2 * c) % 5) - 2) / 2));
    biases.set(resized(biases.values(), m, 1, () => 0));
    board.update();
  };
  const inputs = editable({ label: "layers.dense.x", values: [[1], [2], [-1], [0.5]], onchange: update });
  const weights = editable({ label: "layers.dense.w", values: [[0.5, -1, 0.25, 2], [1, 0.5, -0.5, 0], [-1, 1, 1, -2]], onchange: update });
  const biases = editable({ label: "layers.dense.b", values: [[0.5], [0], [-1]], onchange: update });
  const ins = slider({ label: "layers.dense.inputs", min: 1, max: 8, value: 4, onchange: resize });
  const outs = slider({ label: "layers.dense.outputs", min: 1, max: 8, value: 3, onchange: resize });
  const activation = choice({ label: "layers.activation", choices: ACTIVATIONS, prefix: "layers.activation.", value: "relu", onchange: update });
  const sums = output({ label: "layers.dense.z", onpoint: (r, c) => board.point("sums", r, c), onleave: () => {} });
  const outputs = output({ label: "layers.dense.a", onpoint: (r) => board.point("sums", r, 0), onleave: () => {} });
  const said = h("div", { class: "facts" });
  /** @type {number[]} */
  let activated = [];
  const after = h("p", { class: "arithmetic" });
  const board = createBoard({
    page: "dense",
    request: () => ({
      inputs: inputs.values().map((row) => row[0]),
      weights: weights.values(),
      biases: biases.values().map((row) => row[0]),
      activation: activation.value(),
    }),
    inputs: { inputs, weights },
    outputs: () => ({ sums }),
    onanswer(answer) {
      activated = answer.outputs;
      outputs.show(activated.map((/** @type {number} */ value) => [value]));
      const [n, m] = [ins.value(), outs.value()];
      replace(said, h("p", null, text("layers.dense.parameters", { inputs: n, outputs: m, weights: n * m, parameters: answer.parameters })));
    },
    onpoint(_, row) {
      const z = sums.cell(row, 0)?.textContent ?? "";
      replace(after, text(`layers.activation.${activation.value()}`), `(${z}) = `, h("strong", null, formatNumber(activated[row])));
    },
  });
  board.update();
  return {
    root: h(
      "div",
      { class: "layer-body" },
      h("div", { class: "controls" }, ins.root, outs.root, activation.root),
      board.status,
      h("div", { class: "flow" }, weights.root, between("·"), inputs.root, between("+"), biases.root, between("="), sums.root, between("→"), outputs.root),
      board.work,
      after,
      said,
    ),
    stop: board.stop,
  };
}
