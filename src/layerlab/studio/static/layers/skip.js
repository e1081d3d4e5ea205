/** Skip connections: by addition, as in ResNet, and by concatenation, as in DenseNet. */

import { h, replace } from "../dom.js";
import { onLanguage, text } from "../locale.js";
import { worded } from "./api.js";
import { between, createBoard } from "./board.js";
import { resized, slider } from "./controls.js";
import { editable, output } from "./matrix.js";

/** @typedef {import("./api.js").Problem} Problem */

export function build() {
  const resize = () => {
    block.set(resized(block.values(), channels.value(), length.value(), (r, c) => 10 * (r + 1) + c));
    x.set(resized(x.values(), xChannels.value(), x.values()[0].length, (r, c) => r + c + 1));
    board.update();
  };
  const update = () => board.update();
  const block = editable({ label: "layers.skip.block", values: [[10, 11, 12, 13], [20, 21, 22, 23]], onchange: update });
  const x = editable({ label: "layers.skip.x", values: [[1, 2, 3, 4], [2, 3, 4, 5]], onchange: update });
  const channels = slider({ label: "layers.skip.block-channels", min: 1, max: 4, value: 2, onchange: resize });
  const xChannels = slider({ label: "layers.skip.x-channels", min: 1, max: 4, value: 2, onchange: resize });
  const length = slider({ label: "layers.skip.block-length", min: 2, max: 6, value: 4, onchange: resize });
  const joined = {
    addition: output({ label: "layers.skip.add", onpoint: (r, c) => board.point("addition", r, c), onleave: () => {} }),
    concatenation: output({ label: "layers.skip.concatenate", onpoint: (r, c) => board.point("concatenation", r, c), onleave: () => {} }),
  };
  const why = { addition: h("p", { class: "problem" }), concatenation: h("p", { class: "problem" }) };
  /** @type {Record<"addition" | "concatenation", Problem | null>} */
  const problems = { addition: null, concatenation: null };
  const tell = () => {
    for (const name of /** @type {const} */ (["addition", "concatenation"])) {
      const problem = problems[name];
      why[name].hidden = problem === null;
      replace(why[name], problem ? worded(problem) : "");
    }
  };
  const forget = onLanguage(tell);
  const board = createBoard({
    page: "skip",
    request: () => ({ x: x.values(), block: block.values() }),
    inputs: { x, block },
    outputs: () => joined,
    onanswer(answer) {
      problems.addition = answer.why_not_added;
      problems.concatenation = answer.why_not_concatenated;
      tell();
    },
  });
  board.update();
  return {
    root: h(
      "div",
      { class: "layer-body" },
      h("div", { class: "controls" }, channels.root, xChannels.root, length.root),
      board.status,
      h(
        "div",
        { class: "flow" },
        h("div", { class: "stack" }, block.root, x.root),
        between("→"),
        h(
          "div",
          { class: "side-by-side" },
          h("section", null, h("h3", null, text("layers.skip.addition")), joined.addition.root, why.addition),
          h("section", null, h("h3", null, text("layers.skip.concatenation")), joined.concatenation.root, why.concatenation),
        ),
      ),
      board.work,
    ),
    stop() {
      forget();
      board.stop();
    },
  };
}
