/**
 * The diagram of a network, in which blocks open and close in place. A module without dependencies besides its
 * neighbours in this folder, which is served, or put into a page, as a whole; `diagram.css` holds its looks. Every
 * element is a DOM node: names from a model never become HTML.
 *
 * Keys: Enter and Space open or close a block, Escape closes the one around, the arrows walk along the edges and
 * between branches, Home and End go to the ends, + and - zoom, 0 fits the width.
 */

import { drawItem, drawWire, makeItem, makeWire, removeItem, svgElement } from "./diagram_items.js";
import { findHomes, nearestHome, wayTo } from "./homes.js";
import { between, mix } from "./motion.js";
import { viewport } from "./viewport.js";
import { walk } from "./walk.js";
import { compose } from "./warp.js";
import { describe, fillWords, WORDS } from "./words.js";

/** @typedef {import("./diagram_types.js").Picture} Picture */
/** @typedef {import("./diagram_types.js").PictureNode} PictureNode */
/** @typedef {import("./diagram_types.js").Item} Item */
/** @typedef {import("./diagram_types.js").Wire} Wire */
/** @typedef {import("./diagram_types.js").Composed} Composed */
/** @typedef {import("./diagram_items.js").Drawn} Drawn */
/**
 * @typedef {object} Options
 * @property {(node: PictureNode) => void} [onselect] a person chose a node
 * @property {(keys: string[]) => void} [onopen] a person opened or closed a block: the keys of the open ones
 * @property {string[]} [opened] keys of the levels that are open from the start
 * @property {Record<string, string>} [words] in the place of those in words.js
 */
/**
 * @typedef {object} Diagram
 * @property {(key: string) => void} open a level, and those around it
 * @property {(key: string) => void} close
 * @property {(key: string) => void} toggle
 * @property {(keys: string[]) => void} show let exactly these levels be open
 * @property {(path: string | null) => PictureNode | null} select the node of a layer, or of the nearest around it,
 *   opening what is around it; without telling `onselect`
 * @property {() => string[]} opened
 * @property {(words: Record<string, string>) => void} relabel in another language
 * @property {() => Composed} composed where everything stands
 * @property {() => void} destroy
 */

/** Milliseconds in which a block opens. */
const DURATION = 180;

/**
 * @param {HTMLElement} root what the diagram is put into
 * @param {Picture} picture as `picture(anatomy)` makes it
 * @param {Options} [options]
 * @returns {Diagram}
 */
export function mountDiagram(root, picture, options = {}) {
  let words = { ...WORDS, ...options.words };
  const opened = new Set(options.opened ?? []);
  const homes = findHomes(picture);
  /** @type {Map<string, Drawn>} */
  const drawn = new Map();
  /** @type {Map<string, SVGGElement>} */
  const wires = new Map();
  /** @type {Composed} */
  let composed = { width: 0, height: 0, items: [], wires: [] };
  /** @type {string | null} */
  let selected = null;
  let current = "";
  let frameNumber = 0;

  const tools = element("div", "diagram-tools");
  const frame = element("div", "diagram-frame");
  const svg = svgElement("svg", { class: "diagram-picture", role: "tree" });
  const [grounds, lines, boxes] = [group("grounds"), group("wires"), group("items")];
  lines.setAttribute("aria-hidden", "true");
  grounds.setAttribute("aria-hidden", "true");
  svg.append(grounds, lines, boxes);
  frame.append(svg);
  root.classList.add("diagram");
  root.append(tools, frame);
  const view = viewport(frame, svg);
  const buttons = [
    button("zoomOut", "−", () => view.zoom(1 / 1.25)),
    button("zoomIn", "+", () => view.zoom(1.25)),
    button("fit", "⤢", () => view.fit()),
  ];

  /**
   * @param {string} word
   * @param {string} sign
   * @param {() => void} act
   */
  function button(word, sign, act) {
    const made = element("button", "diagram-tool");
    made.setAttribute("type", "button");
    made.dataset.says = word;
    made.append(sign);
    made.addEventListener("click", act);
    tools.append(made);
    return made;
  }

  /** Compose again and show it; `anchor` stays where it is on the screen. @param {string} [anchor] */
  function update(anchor) {
    const before = composed;
    composed = compose(picture, opened);
    const old = new Map(before.items.map((item) => [item.place, item]));
    const oldWires = new Map(before.wires.map((wire) => [wire.place, wire]));
    const [was, now] = [old.get(anchor ?? ""), composed.items.find((item) => item.place === anchor)];
    const stood = was && view.onScreen(was.x + was.w / 2, was.y);
    view.resize(composed);
    const shift = was && now ? [now.x + now.w / 2 - was.x - was.w / 2, now.y - was.y] : [0, 0];
    if (stood && now) view.scrollTo(now.x + now.w / 2, now.y, stood);
    synchronise();
    const moving = before.items.length > 0 && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    animate(moving, (share) => {
      for (const item of composed.items) {
        const start = old.get(item.place);
        drawItem(/** @type {Drawn} */ (drawn.get(item.place)), start ? between(start, item, shift, share) : item);
      }
      for (const wire of composed.wires) {
        const start = oldWires.get(wire.place)?.points;
        const end = wire.points;
        const points = start?.length === end.length ? end.map((at, i) => mix(start[i], at, shift, share)) : end;
        drawWire(/** @type {SVGGElement} */ (wires.get(wire.place)), wire, points);
      }
    });
  }

  /** Let the elements be those of `composed`, in its order; none that stays is moved, so that the focus stays. */
  function synchronise() {
    const places = new Set(composed.items.map((item) => item.place));
    for (const [place, made] of drawn) {
      if (places.has(place)) continue;
      removeItem(made);
      drawn.delete(place);
    }
    const known = new Set(composed.wires.map((wire) => wire.place));
    for (const [place, made] of wires) {
      if (known.has(place)) continue;
      made.remove();
      wires.delete(place);
    }
    composed.items.forEach((item, index) => {
      const made = drawn.get(item.place) ?? makeItem(item);
      if (!drawn.has(item.place)) {
        drawn.set(item.place, made);
        boxes.insertBefore(made.group, boxes.children[index] ?? null);
        grounds.insertBefore(made.ground, grounds.children[index] ?? null);
      }
      made.update(item);
      made.group.setAttribute("aria-label", describe(item.node, words, locale(root)));
      made.group.setAttribute("aria-selected", String(item.place === selected));
    });
    for (const wire of composed.wires) {
      if (wires.has(wire.place)) continue;
      const made = makeWire(wire);
      wires.set(wire.place, made);
      lines.append(made);
    }
    if (!drawn.has(current)) current = composed.items[0]?.place ?? "";
    if (selected !== null && !drawn.has(selected)) selected = null;
    stop(current);
  }

  /**
   * @param {boolean} moving
   * @param {(share: number) => void} draw
   */
  function animate(moving, draw) {
    cancelAnimationFrame(frameNumber);
    if (!moving) return draw(1);
    const start = performance.now();
    const step = () => {
      const time = Math.min(1, (performance.now() - start) / DURATION);
      draw(1 - (1 - time) ** 3);
      if (time < 1) frameNumber = requestAnimationFrame(step);
    };
    step();
  }

  /** Make one item the stop of the Tab key. @param {string} place */
  function stop(place) {
    drawn.get(current)?.group.setAttribute("tabindex", "-1");
    current = place;
    drawn.get(current)?.group.setAttribute("tabindex", "0");
  }

  /** @param {Item} item */
  function focus(item) {
    stop(item.place);
    drawn.get(item.place)?.group.focus({ preventScroll: true });
    view.show(item.open ? { x: item.x, y: item.y, w: item.w, h: 40 } : item);
  }

  /** @param {string | null} place */
  function mark(place) {
    if (selected !== null) drawn.get(selected)?.group.setAttribute("aria-selected", "false");
    selected = place;
    if (place !== null) drawn.get(place)?.group.setAttribute("aria-selected", "true");
  }

  /** @param {string} place @param {boolean} on */
  function light(place, on) {
    for (const wire of composed.wires) {
      if (wire.source.place !== place && wire.target.place !== place) continue;
      wires.get(wire.place)?.classList.toggle("lit", on);
    }
  }

  /** @param {EventTarget | null} target */
  function itemOf(target) {
    const place = target instanceof Element ? target.closest("[data-place]")?.getAttribute("data-place") : null;
    return composed.items.find((item) => item.place === place) ?? null;
  }

  /** What a click, Enter and Space do. @param {Item} item */
  function choose(item) {
    mark(item.place);
    stop(item.place);
    if (item.node.level !== null) turn(item.node.level, item.place);
    options.onselect?.(item.node);
  }

  /** @param {string} key @param {string} [anchor] */
  function turn(key, anchor) {
    if (!opened.delete(key)) opened.add(key);
    update(anchor);
    options.onopen?.([...opened]);
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = itemOf(event.target);
    const zooms = /** @type {Record<string, () => void>} */ ({
      "+": () => view.zoom(1.25),
      "=": () => view.zoom(1.25),
      "-": () => view.zoom(1 / 1.25),
      0: () => view.fit(),
    });
    if (Object.hasOwn(zooms, event.key)) zooms[event.key]();
    else if (!item) return;
    else if (event.key === "Enter" || event.key === " ") choose(item);
    else if (event.key === "Escape") {
      const block = item.open ? item : item.parent;
      if (!block?.node.level) return;
      turn(block.node.level, block.place);
      const left = composed.items.find((other) => other.place === block.place);
      if (left) focus(left);
    } else {
      const next = walk(composed, item, event.key);
      if (!next) return;
      focus(next);
    }
    event.preventDefault();
  }

  /** @param {string[]} keys the way from the outermost level */
  function openAll(keys) {
    const missing = keys.filter((key) => !opened.has(key));
    for (const key of missing) opened.add(key);
    if (missing.length) update();
  }

  svg.addEventListener("click", (event) => {
    const item = itemOf(event.target);
    if (!item) return;
    choose(item);
    drawn.get(item.place)?.group.focus({ preventScroll: true });
  });
  svg.addEventListener("keydown", press);
  for (const [name, on] of /** @type {const} */ ([
    ["focusin", true],
    ["focusout", false],
    ["pointerover", true],
    ["pointerout", false],
  ]))
    svg.addEventListener(name, (event) => {
      const item = itemOf(event.target);
      if (item) light(item.place, on);
    });

  function name() {
    svg.setAttribute("aria-label", fillWords(words.diagram, { title: picture.title }));
    for (const made of buttons) {
      made.title = words[made.dataset.says ?? ""];
      made.setAttribute("aria-label", made.title);
    }
    tools.setAttribute("role", "group");
    tools.setAttribute("aria-label", words.tools);
  }

  name();
  update();
  view.fit();
  return {
    open: (key) => openAll(wayTo(picture, homes, key)),
    close(key) {
      if (opened.delete(key)) update();
    },
    toggle(key) {
      if (opened.has(key)) this.close(key);
      else this.open(key);
    },
    show(keys) {
      opened.clear();
      for (const key of keys) opened.add(key);
      update();
    },
    select(path) {
      const home = path === null ? null : nearestHome(homes, path);
      if (!home) {
        mark(null);
        return null;
      }
      openAll(wayTo(picture, homes, home.key));
      const item = composed.items.find((one) => one.levelKey === home.key && one.node === home.node);
      if (!item) return null;
      mark(item.place);
      stop(item.place);
      view.show(item.open ? { x: item.x, y: item.y, w: item.w, h: 40 } : item);
      return item.node;
    },
    opened: () => [...opened],
    relabel(next) {
      words = { ...WORDS, ...next };
      name();
      synchronise();
    },
    composed: () => composed,
    destroy() {
      cancelAnimationFrame(frameNumber);
      view.destroy();
      tools.remove();
      frame.remove();
      root.classList.remove("diagram");
    },
  };
}

/** @param {Element} root */
function locale(root) {
  return root.closest("[lang]")?.getAttribute("lang") || "en";
}

/** @param {string} name */
function group(name) {
  return svgElement("g", { class: `diagram-${name}`, role: name === "items" ? "presentation" : null });
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} name
 * @returns {HTMLElementTagNameMap[K]}
 */
function element(tag, name) {
  const made = document.createElement(tag);
  made.className = name;
  return made;
}
