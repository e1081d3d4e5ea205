/** Code: the network as runnable PyTorch or Keras, with the weights that it has now. */

import { h, replace } from "../../dom.js";
import { message, text } from "../../locale.js";
import { ask, button, choice, download } from "./parts.js";

/** @typedef {import("./parts.js").Context} Context */
/** @typedef {import("./parts.js").Panel} Panel */

const FRAMEWORKS = /** @type {const} */ (["pytorch", "keras"]);

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {Panel}
 */
export function mount(root, context) {
  let source = "";
  const framework = choice(message("panels.code.framework"), FRAMEWORKS, (name) => `panels.code.${name}`, "pytorch", () => void refresh());
  const shown = h("code");
  const block = h("pre", { class: "source", tabindex: 0, "aria-label": message("panels.code.source") }, shown);
  const note = h("p", { class: "muted small", role: "status" });
  const copy = button("common.copy", () => void toClipboard());
  replace(
    root,
    h("p", { class: "panel-lead" }, text("panels.code.lead")),
    h(
      "div",
      { class: "panel-tools" },
      framework.element,
      button("panels.code.refresh", () => void refresh()),
      copy,
      button("panels.code.download", () => download(`network_${framework.value()}.py`, source, "text/x-python")),
      note,
    ),
    block,
  );

  let shownOnce = false;
  context.store.subscribe((change) => {
    if (change === "state" && shownOnce && !source) void refresh(); // it was the first panel, before there was a network
  });

  async function refresh() {
    if (!context.store.state) return;
    const reply = await ask(context, "code", { framework: framework.value() });
    if (!reply) return;
    source = reply.source;
    shown.textContent = source;
    replace(note, text("panels.code.epoch", { epoch: context.store.frame?.epoch ?? 0 }));
  }

  async function toClipboard() {
    try {
      await navigator.clipboard.writeText(source);
      replace(note, text("common.copied"));
    } catch {
      getSelection()?.selectAllChildren(shown); // no clipboard beyond loopback without TLS: the person's own keys copy it
      replace(note, text("panels.code.selected"));
    }
  }

  return {
    shown: () => {
      shownOnce = true;
      void refresh();
    },
  };
}
