/** The geometry solver: the output's size from the window, and every window that gives a wanted size. */

import { h, replace } from "../dom.js";
import { onLanguage, text } from "../locale.js";
import { Refused, asker, worded } from "./api.js";
import { axisPicture } from "./axis.js";
import { choice, slider } from "./controls.js";

/** @typedef {{ kernel: number, stride: number, padding: number, dilation: number, output_padding: number }} Window */

export function build() {
  const ask = asker("geometry");
  const go = () => void update();
  const kind = choice({ label: "layers.geometry.kind", choices: ["convolution", "transposed"], prefix: "layers.geometry.", value: "convolution", onchange: go });
  const size = slider({ label: "layers.geometry.size", min: 1, max: 64, value: 4, onchange: go });
  const kernel = slider({ label: "layers.kernel-size", min: 1, max: 11, value: 2, onchange: go });
  const stride = slider({ label: "layers.stride", min: 1, max: 8, value: 2, onchange: go });
  const padding = slider({ label: "layers.padding", min: 0, max: 5, value: 0, onchange: go });
  const dilation = slider({ label: "layers.dilation", min: 1, max: 4, value: 1, onchange: go });
  const extra = slider({ label: "layers.output-padding", min: 0, max: 4, value: 0, onchange: go });
  const wanted = slider({ label: "layers.geometry.wanted", min: 1, max: 64, value: 2, onchange: go });
  const forward = h("p", { class: "arithmetic big", "aria-live": "polite" });
  const picture = axisPicture();
  const lecture = h("p", { class: "arithmetic" });
  const found = h("p", { "aria-live": "polite" });
  const list = h("tbody");
  const table = h(
    "table",
    { class: "windows" },
    h("thead", null, h("tr", null, ["kernel-size", "stride", "padding", "dilation", "output-padding"].map((name) => h("th", { scope: "col" }, text(`layers.${name}`))), h("th"))),
    list,
  );

  async function update() {
    const transposed = kind.value() === "transposed";
    extra.root.hidden = !transposed;
    try {
      const answer = await ask({
        size: size.value(),
        kernel: kernel.value(),
        stride: stride.value(),
        padding: padding.value(),
        dilation: dilation.value(),
        output_padding: transposed ? extra.value() : 0,
        transposed,
        wanted: wanted.value(),
      });
      say(answer, transposed);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      replace(forward, worded(error.problem));
    }
  }

  /** @param {any} answer @param {boolean} transposed */
  function say(answer, transposed) {
    const reach = dilation.value() * (kernel.value() - 1) + 1;
    const p = padding.value();
    const sum = transposed
      ? `(${size.value()} − 1)·${stride.value()} + ${reach} − 2·${p} + ${extra.value()} = `
      : `⌊(${size.value()} + 2·${p} − ${reach}) / ${stride.value()}⌋ + 1 = `;
    if (answer.output === null) replace(forward, worded(answer.why_no_output));
    else replace(forward, sum, h("strong", null, String(answer.output)));
    picture.show(
      answer.output === null
        ? null
        : { size: size.value(), kernel: kernel.value(), stride: stride.value(), padding: p, dilation: dilation.value(), output: answer.output, transposed },
    );
    const [small, large] = [Math.min(size.value(), wanted.value()), Math.max(size.value(), wanted.value())];
    const step = Math.floor(large / small);
    replace(lecture, text("layers.geometry.lecture", { large, small, stride: step, kernel: large - (small - 1) * step }));
    replace(found, answer.total ? text("layers.geometry.found", { count: answer.total }) : worded(answer.why_none));
    table.hidden = !answer.total;
    replace(list, answer.windows.map((/** @type {Window} */ window, /** @type {number} */ index) => row(window, index)));
  }

  /** @param {Window} window @param {number} index */
  function row(window, index) {
    const use = () => {
      for (const [control, value] of /** @type {const} */ ([[kernel, window.kernel], [stride, window.stride], [padding, window.padding], [dilation, window.dilation], [extra, window.output_padding]])) {
        control.limit(Math.max(11, value));
        control.set(value);
      }
      void update();
    };
    const numbers = [window.kernel, window.stride, window.padding, window.dilation, window.output_padding];
    return h(
      "tr",
      { class: index === 0 ? "first" : null },
      numbers.map((number) => h("td", null, String(number))),
      h("td", null, h("button", { type: "button", class: "button small", onclick: use }, text("layers.geometry.use"))),
    );
  }

  const forget = onLanguage(go);
  void update();
  return {
    root: h(
      "div",
      { class: "layer-body" },
      h("div", { class: "controls" }, kind.root, size.root, kernel.root, stride.root, padding.root, dilation.root, extra.root),
      h("section", null, h("h3", null, text("layers.geometry.forward")), forward, picture.root),
      h("section", null, h("h3", null, text("layers.geometry.inverse")), h("div", { class: "controls" }, wanted.root), lecture, found, h("div", { class: "scroll tall" }, table)),
    ),
    stop: forget,
  };
}
