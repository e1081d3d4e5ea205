/** Padding and stride: where the window goes, and what size that leaves. */

import { fact, kernelPage } from "./kernel_page.js";

const IMAGE = [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12, 13, 14, 15], [16, 17, 18, 19, 20], [21, 22, 23, 24, 25]];

export function build() {
  return kernelPage({
    page: "convolution",
    image: IMAGE,
    kernel: "ones",
    knobs: ["dilation"],
    paddings: ["0", "1", "2", "same"],
    padding: "1",
    sign: "∗",
    facts: ({ padding, output, image, kernel, stride, dilation }) => [
      fact("layers.padding.size", {
        size: image.length,
        before: padding[0][0],
        after: padding[0][1],
        reach: dilation * (kernel.length - 1) + 1,
        stride,
        output: output.values.length,
      }),
      fact(padding[0][0] === padding[0][1] ? "layers.padding.even" : "layers.padding.odd", { before: padding[0][0], after: padding[0][1] }),
    ],
  });
}
