/** What the pages of convolution share: an image, a kernel, an output, and the knobs that one page shows. */

import { h } from "../dom.js";
import { text } from "../locale.js";
import { between, createBoard } from "./board.js";
import { choice, resized, slider } from "./controls.js";
import { editable, output } from "./matrix.js";

/** Kernels that show something; each works at 3×3. @type {Record<string, number[][]>} */
const KERNELS = {
  edge: [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
  blur: [[1, 2, 1], [2, 4, 2], [1, 2, 1]].map((row) => row.map((value) => value / 16)),
  sharpen: [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
  ones: [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
};

/**
 * @param {object} options
 * @param {string} options.page the server's page
 * @param {number[][]} options.image
 * @param {string} options.kernel one of the kernels
 * @param {("dilation" | "output_padding")[]} options.knobs beside size, kernel size, stride and padding
 * @param {string[]} options.paddings
 * @param {string} options.padding
 * @param {number} [options.stride]
 * @param {string} options.sign between image and kernel
 * @param {(answer: any) => Node[]} options.facts
 * @param {boolean} [options.padded] whether padding lies around the image
 * @param {{ root: HTMLElement, show: (grid: import("./api.js").Grid, inputs: [number, number]) => void, point: (row: number, column: number) => void }} [options.picture]
 */
export function kernelPage({ page, image: firstImage, kernel: firstKernel, knobs, paddings, padding: firstPadding, stride: firstStride = 1, sign, facts, padded = true, picture }) {
  const update = () => board.update();
  const resize = () => {
    image.set(resized(image.values(), size.value(), size.value(), (r, c) => (r + c) % 3));
    board.update();
  };
  const resizeKernel = () => {
    kernel.set(resized(kernel.values(), window_.value(), window_.value(), () => 1));
    board.update();
  };
  const chooseKernel = () => {
    window_.set(3);
    kernel.set(KERNELS[kinds.value()]);
    board.update();
  };
  const image = editable({ label: "layers.input", values: firstImage, onchange: update });
  const kernel = editable({ label: "layers.kernel", values: KERNELS[firstKernel], onchange: update });
  const size = slider({ label: "layers.size", min: 2, max: 8, value: firstImage.length, onchange: resize });
  const window_ = slider({ label: "layers.kernel-size", min: 1, max: 5, value: 3, onchange: resizeKernel });
  const stride = slider({ label: "layers.stride", min: 1, max: 4, value: firstStride, onchange: update });
  const padding = choice({ label: "layers.padding", choices: paddings, prefix: "layers.padding.", value: firstPadding, onchange: update });
  const kinds = choice({ label: "layers.kernel-kind", choices: Object.keys(KERNELS), prefix: "layers.kernel.", value: firstKernel, onchange: chooseKernel });
  const dilation = slider({ label: "layers.dilation", min: 1, max: 3, value: 1, onchange: update });
  const extra = slider({ label: "layers.output-padding", min: 0, max: 2, value: 0, onchange: update });
  const bias = slider({ label: "layers.bias", min: -5, max: 5, step: 0.5, value: 0, onchange: update });
  const result = output({ label: "layers.output", onpoint: (r, c) => board.point("output", r, c), onleave: () => {} });
  const said = h("div", { class: "facts" });
  const board = createBoard({
    page,
    request: () => ({
      image: image.values(),
      kernel: kernel.values(),
      bias: bias.value(),
      stride: stride.value(),
      padding: padding.value() === "same" ? "same" : Number(padding.value()),
      ...(knobs.includes("dilation") ? { dilation: dilation.value() } : {}),
      ...(knobs.includes("output_padding") ? { output_padding: extra.value() } : {}),
    }),
    inputs: { image, kernel },
    outputs: () => ({ output: result }),
    onpoint: (_, row, column) => picture?.point(row, column),
    onanswer(answer) {
      if (padded) image.pad(answer.padding);
      picture?.show(answer.output, [image.values().length, image.values()[0].length]);
      said.replaceChildren(...facts({ ...answer, image: image.values(), kernel: kernel.values(), stride: stride.value(), dilation: dilation.value(), extra: extra.value() }));
    },
  });
  board.update();
  return {
    root: h(
      "div",
      { class: "layer-body" },
      h(
        "div",
        { class: "controls" },
        size.root,
        window_.root,
        kinds.root,
        stride.root,
        padding.root,
        knobs.includes("dilation") && dilation.root,
        knobs.includes("output_padding") && extra.root,
        bias.root,
      ),
      board.status,
      h("div", { class: "flow" }, image.root, between(sign), kernel.root, between("="), result.root),
      board.work,
      said,
      picture?.root,
    ),
    stop: board.stop,
  };
}

/**
 * A sentence of the facts below the grids.
 * @param {string} key
 * @param {Record<string, string | number>} values
 */
export function fact(key, values) {
  return h("p", null, text(key, values));
}
