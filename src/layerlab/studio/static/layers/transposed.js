/** Transposed convolution: every input cell prints the kernel, and the prints add up. */

import { fact, kernelPage } from "./kernel_page.js";

export function build() {
  return kernelPage({
    page: "transposed-convolution",
    image: [[1, 2], [3, 4]],
    kernel: "ones",
    knobs: ["output_padding", "dilation"],
    paddings: ["0", "1", "2"],
    padding: "0",
    stride: 2,
    sign: "∗ᵀ",
    padded: false,
    facts: ({ padding, output, image, kernel, stride, dilation, extra }) => [
      fact("layers.transposed-convolution.size", {
        size: image.length,
        stride,
        padding: padding[0][0],
        reach: dilation * (kernel.length - 1) + 1,
        extra,
        output: output.values.length,
      }),
    ],
  });
}
