/** The two pictures of a network: the diagram that opens and closes, and the boxes to scale. */

import { h, replace } from "../dom.js";
import { language, message, onLanguage, t } from "../locale.js";
import { mountDiagram } from "../../../anatomy/static/diagram.js";
import { asker } from "./api.js";

/** @typedef {import("./api.js").Network} Network */
/** @typedef {ReturnType<typeof mountDiagram>} Diagram */

const WORDS = ["diagram", "tools", "zoomIn", "zoomOut", "fit", "input", "output", "port", "block", "repeats", "gives", "parameters", "macs"];

/**
 * @param {{ onselect: (path: string) => void }} options
 * @returns {{ root: HTMLElement, show: (network: Network) => Promise<void>, select: (path: string | null) => void }}
 */
export function diagramView({ onselect }) {
  const ask = asker("picture");
  const root = h("div", { class: "diagram-view" });
  /** @type {Diagram | null} */
  let diagram = null;
  let shown = "";
  /** @type {string | null} */
  let selected = null;
  const words = () => Object.fromEntries(WORDS.map((word) => [word, t(`architectures.diagram.${word}`)]));

  /** @param {Network} network */
  async function show(network) {
    const asked = JSON.stringify(network);
    if (asked === shown && diagram) return;
    const picture = await ask(network);
    const opened = (diagram?.opened() ?? []).filter((key) => Object.hasOwn(picture.levels, key));
    const scroll = root.querySelector(".diagram-frame");
    const at = scroll && [scroll.scrollLeft, scroll.scrollTop];
    diagram?.destroy();
    const place = h("div", { lang: language() });
    replace(root, place);
    diagram = mountDiagram(place, picture, {
      opened,
      words: words(),
      onselect: (node) => node.path !== null && onselect(node.path),
    });
    shown = asked;
    if (selected !== null) diagram.select(selected);
    if (at) root.querySelector(".diagram-frame")?.scrollTo(at[0], at[1]);
  }

  onLanguage(() => {
    root.firstElementChild?.setAttribute("lang", language());
    diagram?.relabel(words());
  });
  return {
    root,
    show,
    select(path) {
      if (path === selected) return;
      selected = path;
      diagram?.select(path);
    },
  };
}

/** @returns {{ root: HTMLElement, show: (network: Network) => Promise<void>, select: (path: string | null) => void }} */
export function scaleView() {
  const ask = asker("file");
  const picture = h("img", { class: "scale-picture", alt: message("architectures.scale.alt") });
  let address = "";
  return {
    root: h("div", { class: "scale-view" }, picture),
    async show(network) {
      const { content, type } = await ask({ network, form: "scale" });
      URL.revokeObjectURL(address);
      address = URL.createObjectURL(new Blob([content], { type }));
      picture.src = address;
    },
    select: () => {},
  };
}
