/** The Layers tab: the lecture's pages, alive. A list of pages, and the page that the address names. */

import { h, replace } from "../dom.js";
import { message, text } from "../locale.js";
import { formulas } from "./formulas.js";

/** @typedef {{ root: HTMLElement, stop?: () => void }} Built */

/** @type {Record<string, () => Promise<{ build: () => Built }>>} */
const PAGES = {
  pooling: () => import("./pooling.js"),
  padding: () => import("./padding.js"),
  geometry: () => import("./geometry.js"),
  "global-pooling": () => import("./global_pooling.js"),
  flatten: () => import("./flatten.js"),
  "batch-normalization": () => import("./batch_normalization.js"),
  dense: () => import("./dense.js"),
  convolution: () => import("./convolution.js"),
  "transposed-convolution": () => import("./transposed.js"),
  skip: () => import("./skip.js"),
  activations: () => import("./activations.js"),
};

const TRIES = 2;

/**
 * @param {HTMLElement} root
 * @returns {{ unmount: () => void, hidden: () => void, shown: () => void }}
 */
export function mount(root) {
  const links = Object.keys(PAGES).map((name) =>
    h("a", { href: address(name), dataset: { page: name }, onclick: (/** @type {MouseEvent} */ event) => follow(event, name) }, text(`layers.${name}.title`)),
  );
  const body = h("article", { class: "layer-page", "aria-live": "off" });
  const list = h("nav", { class: "layer-list", "aria-label": message("layers.pages") }, links);
  replace(root, h("div", { class: "layers" }, list, body));
  /** @type {Built | null} */
  let built = null;
  let present = "";

  /** @param {string} name */
  async function show(name) {
    if (name === present) return;
    present = name;
    built?.stop?.();
    built = null;
    for (const link of links) {
      if (link.dataset.page === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const page = await PAGES[name]();
    if (present !== name) return;
    built = page.build();
    replace(
      body,
      h("h2", null, text(`layers.${name}.title`)),
      h("p", { class: "lead" }, text(`layers.${name}.lead`)),
      h("div", { class: "formula" }, formulas(name)),
      built.root,
      h(
        "section",
        { class: "tries" },
        h("h3", null, text("layers.try")),
        h("ul", null, Array.from({ length: TRIES }, (_, i) => h("li", null, text(`layers.${name}.try${i + 1}`)))),
      ),
    );
  }

  /** @param {MouseEvent} event @param {string} name */
  function follow(event, name) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    history.pushState(null, "", address(name) + location.hash);
    void show(name);
  }

  const named = () => void show(asked());
  addEventListener("popstate", named);
  named();
  return {
    shown: named,
    hidden: () => built?.stop?.(),
    unmount() {
      removeEventListener("popstate", named);
      built?.stop?.();
    },
  };
}

/** @param {string} name */
function address(name) {
  return `/?tab=layers&page=${name}`;
}

/** @returns {string} the page that the address names */
function asked() {
  const name = new URLSearchParams(location.search).get("page") ?? "";
  return Object.hasOwn(PAGES, name) ? name : "pooling";
}
