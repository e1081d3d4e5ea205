/** The page of one network: the diagram, the panel and the table follow each other, the language and the colours. */

import { mountDiagram } from "./diagram.js";
import { layerTable } from "./page_table.js";
import { make, showPanel, showTotals } from "./page_panel.js";
import { fillWords } from "./words.js";

/** @typedef {import("./diagram_types.js").Picture} Picture */
/** @typedef {import("./page_panel.js").Choice} Choice */

const LANGUAGES = /** @type {const} */ ({ en: "English", pl: "Polski" });
/** What stands before a layer's path in the page's address. */
const ADDRESS = "layer=";
/** The colours that the legend explains, in its order. */
const FAMILIES = [
  ...["convolution", "dense", "attention", "recurrent", "embedding", "normalization", "activation", "pooling"],
  ...["merge", "shape", "other", "block"],
];
const EDGES = [
  ["skip", "skipEdge"],
  ["concatenation", "joinEdge"],
];
const THEMES = ["auto", "light", "dark"];

const data = JSON.parse(byId("data").textContent ?? "");
/** @type {Picture | null} */
const picture = data.picture;
let language = remembered("language", Object.keys(LANGUAGES)) ?? languageOfBrowser();
/** @type {Choice | null} */
let choice = null;

const diagram = picture
  ? mountDiagram(byId("mount"), picture, { onselect: choseNode, words: data.words[language], opened: firstOpened() })
  : null;
const table = layerTable(byId("table"), data.layers, data.open, data.totals, (path) => go(path));

/** @param {string} id */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** A network that is a single block shows what is inside it. */
function firstOpened() {
  /** @type {string[]} */
  const keys = [];
  for (let level = picture?.levels[picture.root]; level; ) {
    /** @type {string[]} */
    const inside = level.nodes.flatMap((node) => node.level ?? []);
    const drawn = level.nodes.filter((node) => node.kind !== "input" && node.kind !== "output" && node.kind !== "port");
    if (drawn.length !== 1 || inside.length !== 1 || keys.includes(inside[0])) break;
    keys.push(inside[0]);
    level = picture?.levels[inside[0]];
  }
  return keys;
}

/** @param {string} path */
function isLayer(path) {
  return data.layers.some((/** @type {{ path: string }} */ layer) => layer.path === path);
}

/** @param {import("./diagram_types.js").PictureNode} node */
function choseNode(node) {
  const known = node.path !== null && isLayer(node.path);
  choice = known ? { path: node.path ?? "", operation: null } : { path: around(node), operation: node };
  if (known) table.select(node.path ?? "");
  show();
}

/**
 * The path of the block that an operation stands in.
 * @param {import("./diagram_types.js").PictureNode} node
 */
function around(node) {
  const level = Object.values(picture?.levels ?? {}).find((one) => one.nodes.includes(node));
  const holder = Object.values(picture?.levels ?? {})
    .flatMap((one) => one.nodes)
    .find((one) => one.level !== null && one.level === level?.key);
  return holder?.path ?? "";
}

/** Choose a layer from elsewhere than the diagram. @param {string} path */
function go(path) {
  choice = { path, operation: null };
  diagram?.select(path);
  table.select(path);
  show();
}

function show() {
  showPanel(byId("panel"), data, choice, data.words[language], language, go);
  if (!choice || choice.operation) return;
  try {
    history.replaceState(null, "", `#${ADDRESS}${encodeURIComponent(choice.path)}`);
  } catch {
    // A page without an address of its own, in a frame, cannot name a layer in it.
  }
}

/** Say everything in the language. */
function translate() {
  const words = data.words[language];
  document.documentElement.lang = language;
  for (const spoken of document.querySelectorAll("[data-word]")) {
    if (spoken instanceof HTMLElement) spoken.textContent = words[spoken.dataset.word ?? ""];
  }
  byId("input").textContent = fillWords(words.inputIs, { shape: data.totals.inputs.join(` ${words.and} `) });
  byId("search").setAttribute("placeholder", words.searchHint);
  showTotals(byId("totals"), data.totals, words, language);
  if (!diagram) {
    byId("mount").replaceChildren(make("p", {}, fillWords(words.noDiagram, { problem: data.problem })));
    for (const id of ["help", "levels"]) byId(id).hidden = true;
  }
  diagram?.relabel(words);
  table.relabel(words, language);
  const notes = data.notes[language].map((/** @type {string} */ note) => make("li", {}, note));
  byId("notes").replaceChildren(...notes);
  byId("notes-section").hidden = notes.length === 0;
  legend(words);
  switches(words);
  found();
  show();
}

/** @param {Record<string, string>} words */
function legend(words) {
  const nodes = Object.values(picture?.levels ?? {}).flatMap((level) => level.nodes);
  const coloured = nodes.filter((node) => !["input", "output", "port", "block"].includes(node.kind));
  const families = new Set(coloured.map((node) => node.family));
  const edges = Object.values(picture?.levels ?? {}).flatMap((level) => level.edges);
  const items = [
    ...FAMILIES.filter((family) => families.has(family)).map((family) => [`family-${family}`, words[family]]),
    ...EDGES.filter(([kind]) => edges.some((edge) => edge.kind === kind)).map(([kind, word]) => [kind, words[word]]),
  ].map(([name, text]) => make("li", { class: name }, text));
  byId("legend").replaceChildren(...items);
}

/** @param {Record<string, string>} words */
function switches(words) {
  const languages = choices("language", words.language, Object.entries(LANGUAGES), language, (name) => {
    language = name;
    translate();
  });
  const theme = document.documentElement.dataset.theme ?? "auto";
  const named = THEMES.map((name) => /** @type {[string, string]} */ ([name, words[name]]));
  const themes = choices("theme", words.theme, named, theme, (name) => {
    document.documentElement.dataset.theme = name;
  });
  const known = byId("switches").querySelector("select:focus")?.id;
  byId("switches").replaceChildren(languages, themes);
  if (known) byId(known).focus();
}

/**
 * A choice that the browser remembers.
 * @param {string} name
 * @param {string} label
 * @param {[string, string][]} options
 * @param {string} chosen
 * @param {(name: string) => void} onchange
 */
function choices(name, label, options, chosen, onchange) {
  const select = make("select", { id: `choose-${name}` });
  for (const [value, text] of options) select.append(make("option", { value }, text));
  select.value = chosen;
  select.addEventListener("change", () => {
    try {
      localStorage.setItem(`layerlab.${name}`, select.value);
    } catch {
      // A browser that remembers nothing: the choice lasts as long as the page.
    }
    onchange(select.value);
  });
  return make("label", {}, make("span", {}, label), select);
}

/**
 * @param {string} name
 * @param {string[]} allowed
 * @returns {string | null}
 */
function remembered(name, allowed) {
  try {
    const kept = localStorage.getItem(`layerlab.${name}`);
    return kept !== null && allowed.includes(kept) ? kept : null;
  } catch {
    return null;
  }
}

function languageOfBrowser() {
  const wanted = navigator.languages.map((name) => name.slice(0, 2).toLowerCase());
  return wanted.find((name) => Object.hasOwn(LANGUAGES, name)) ?? "en";
}

/** Search as the field says, and tell how many there are. */
function found() {
  const field = /** @type {HTMLInputElement} */ (byId("search"));
  const count = table.search(field.value);
  byId("found").textContent = field.value.trim()
    ? fillWords(data.words[language].found, { count: count.toLocaleString(language) })
    : "";
}

byId("search").addEventListener("input", found);
byId("search").addEventListener("keydown", (event) => {
  const field = /** @type {HTMLInputElement} */ (byId("search"));
  if (event.key === "Escape") field.value = "";
  else if (event.key !== "Enter") return;
  const path = event.key === "Enter" ? table.first() : null;
  found();
  if (path !== null) go(path);
});
byId("open-more").addEventListener("click", () => {
  const ring = diagram?.composed().items.flatMap((item) => (item.open ? [] : (item.node.level ?? []))) ?? [];
  diagram?.show([...diagram.opened(), ...ring]);
});
byId("close-all").addEventListener("click", () => diagram?.show([]));
document.documentElement.dataset.theme = remembered("theme", THEMES) ?? "auto";
byId("main").hidden = false;
translate();

/** Choose what the address names. */
function followAddress() {
  if (!location.hash.startsWith(`#${ADDRESS}`)) return;
  let path = "";
  try {
    path = decodeURIComponent(location.hash.slice(1 + ADDRESS.length));
  } catch {
    return; // a broken address names nothing
  }
  if (isLayer(path)) go(path);
}
addEventListener("hashchange", followAddress);
followAddress();
