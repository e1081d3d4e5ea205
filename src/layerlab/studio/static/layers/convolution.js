/** Two-dimensional convolution: the 5×5 → 3×3 block, and what it saves. */

import { fact, kernelPage } from "./kernel_page.js";
import { wiring } from "./wiring.js";

const IMAGE = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]];

export function build() {
  return kernelPage({
    page: "convolution",
    image: IMAGE,
    kernel: "edge",
    knobs: ["dilation"],
    paddings: ["0", "1", "2", "same"],
    padding: "0",
    sign: "∗",
    picture: wiring(),
    facts: ({ weights, dense_weights, output, image }) => [
      fact("layers.convolution.weights", { weights, dense: dense_weights, times: Math.round(dense_weights / weights) }),
      fact("layers.convolution.sizes", {
        inputs: image.length * image[0].length,
        outputs: output.values.length * output.values[0].length,
      }),
    ],
  });
}
