/** Start of the page: language, colours, header, and the tab that the address names, loaded when it is first shown. */

import * as colours from "./colours.js";
import { find, h, replace } from "./dom.js";
import { LANGUAGES, language, message, onLanguage, preferredLanguage, setLanguage, t, text } from "./locale.js";

/** @typedef {"playground" | "layers" | "architectures" | "lab"} TabName */
/** @typedef {{ unmount?: () => void, shown?: () => void, hidden?: () => void }} Mounted */

/** @type {Record<TabName, () => Promise<{ mount: (root: HTMLElement) => Mounted }>>} */
const TABS = {
  playground: () => import("./playground/index.js"),
  layers: () => import("./layers/index.js"),
  architectures: () => import("./architectures/index.js"),
  lab: () => import("./lab/index.js"),
};
/** Tabs whose address is all their own; the others share what the playground keeps behind "#". */
const APART = ["architectures", "lab"];

/** @type {Map<TabName, { root: HTMLElement, mounted: Promise<Mounted> }>} */
const opened = new Map();
/** @type {TabName | null} */
let present = null;
/** What the playground has in the address behind "#" while another tab is shown. */
let fragment = "";

/** @returns {TabName} */
function named() {
  const tab = new URLSearchParams(location.search).get("tab");
  return tab === "layers" || tab === "architectures" || tab === "lab" ? tab : "playground";
}

/**
 * Show a tab; the others stay as they are, hidden.
 * @param {TabName} name
 */
function show(name) {
  if (name === present) return;
  if (present) void opened.get(present)?.mounted.then((tab) => tab.hidden?.());
  present = name;
  const main = find(document, "main", HTMLElement);
  if (!opened.has(name)) {
    const root = h("div", { class: `tab tab-${name}` });
    main.append(root);
    opened.set(name, { root, mounted: load(name, root) });
  }
  for (const [other, { root }] of opened) root.hidden = other !== name;
  void opened.get(name)?.mounted.then((tab) => tab.shown?.());
  for (const link of document.querySelectorAll(".tabs a")) {
    if (link.getAttribute("data-tab") === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  retitle();
}

/**
 * @param {TabName} name
 * @param {HTMLElement} root
 * @returns {Promise<Mounted>}
 */
async function load(name, root) {
  try {
    return (await TABS[name]()).mount(root);
  } catch (error) {
    console.error(error);
    replace(root, h("p", { class: "failure", role: "alert" }, text("common.failed")));
    return {};
  }
}

function retitle() {
  document.title = `${t(`common.tab.${present ?? "playground"}`)} · Layerlab`;
}

/** @param {TabName} name */
function tabLink(name) {
  const go = (/** @type {MouseEvent} */ event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    if (name === present) return;
    const search = name === "playground" ? "" : `?tab=${name}`;
    if (!APART.includes(present ?? "")) fragment = location.hash;
    history.pushState(null, "", `${location.pathname}${search}${APART.includes(name) ? "" : fragment}`);
    show(name);
  };
  const href = name === "playground" ? "/" : `/?tab=${name}`;
  return h("a", { href, dataset: { tab: name }, onclick: go }, text(`common.tab.${name}`));
}

function languageSwitch() {
  const buttons = LANGUAGES.map((name) =>
    h("button", { type: "button", lang: name, onclick: () => void setLanguage(name) }, name.toUpperCase()),
  );
  const mark = () =>
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.lang === language())));
  onLanguage(mark);
  mark();
  return h("div", { class: "segmented", role: "group", "aria-label": message("common.language") }, buttons);
}

function scaleSwitch() {
  const select = h(
    "select",
    { "aria-label": message("common.scale"), title: message("common.scale") },
    colours.SCALES.map((name) => h("option", { value: name }, text(`common.scale.${name}`))),
  );
  select.value = colours.scaleName();
  select.addEventListener("change", () => {
    const chosen = colours.SCALES.find((name) => name === select.value);
    if (chosen) colours.setScale(chosen);
  });
  return select;
}

function themeSwitch() {
  const select = h(
    "select",
    { "aria-label": message("common.theme"), title: message("common.theme") },
    ["auto", "light", "dark"].map((name) => h("option", { value: name }, text(`common.theme.${name}`))),
  );
  select.value = colours.chosenTheme();
  select.addEventListener("change", () => colours.setTheme(select.value));
  return select;
}

async function start() {
  colours.setTheme(colours.chosenTheme());
  await setLanguage(preferredLanguage());
  replace(find(document, ".skip-link", HTMLElement), text("common.skip"));
  const tabs = find(document, ".tabs", HTMLElement);
  bindLabel(tabs);
  replace(tabs, tabLink("playground"), tabLink("layers"), tabLink("architectures"), tabLink("lab"));
  replace(find(document, ".tools", HTMLElement), scaleSwitch(), themeSwitch(), languageSwitch());
  onLanguage(retitle);
  addEventListener("popstate", () => show(named()));
  show(named());
}

/** @param {HTMLElement} tabs */
function bindLabel(tabs) {
  const label = () => tabs.setAttribute("aria-label", t("common.tabs"));
  onLanguage(label);
  label();
}

void start();
