/** Choosing a network: the zoo by family, with a search; and what is known of the chosen one. */

import { h, replace } from "../dom.js";
import { message, onLanguage, t, text } from "../locale.js";

/** @typedef {import("./api.js").Catalogue} Catalogue */
/** @typedef {import("./api.js").Model} Model */

/**
 * @param {{ onchoose: (name: string) => void }} options
 * @returns {{ root: HTMLElement, fill: (catalogue: Catalogue) => void, show: (name: string) => void }}
 */
export function chooser({ onchoose }) {
  const search = h("input", { type: "search", "aria-label": message("architectures.search"), placeholder: message("architectures.search"), autocomplete: "off", spellcheck: "false" });
  const list = h("div", { class: "zoo-list", role: "group", "aria-label": message("architectures.zoo") });
  const none = h("p", { class: "muted small", role: "status", hidden: true }, text("architectures.none"));
  const about = h("div", { class: "zoo-about small" });
  const root = h("div", { class: "chooser" }, search, list, none, about);
  /** @type {{ title: HTMLElement, rows: { model: Model, button: HTMLButtonElement, words: string }[] }[]} */
  let families = [];
  let chosen = "";

  /** @param {Catalogue} catalogue */
  function fill(catalogue) {
    families = Object.entries(catalogue.families).map(([family, models]) => ({
      title: h("h3", { class: "zoo-family" }, familyName(family, models)),
      rows: models.map((model) => ({
        model,
        button: h("button", { type: "button", class: "zoo-model", title: model.title, dataset: { model: model.name }, onclick: () => onchoose(model.name) }, model.name),
        words: `${model.name} ${model.title} ${model.source} ${model.year ?? ""} ${family}`.toLowerCase(),
      })),
    }));
    replace(list, families.map(({ title, rows }) => h("section", null, title, h("div", { class: "zoo-models" }, rows.map((row) => row.button)))));
    show(chosen);
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { title, rows } of families) {
      let here = 0;
      for (const row of rows) {
        const fits = words.every((word) => row.words.includes(word));
        row.button.hidden = !fits;
        here += Number(fits);
      }
      const section = title.parentElement;
      if (section) section.hidden = here === 0;
      count += here;
    }
    none.hidden = count > 0 || families.length === 0;
    const shown = families.flatMap((family) => family.rows).filter((row) => !row.button.hidden);
    stopAt((shown.find((row) => row.model.name === chosen) ?? shown[0])?.button);
  }

  /** @param {string} name */
  function show(name) {
    chosen = name;
    for (const { model, button } of families.flatMap((family) => family.rows)) {
      const is = model.name === name;
      button.setAttribute("aria-pressed", String(is));
      if (!is) continue;
      // Within the list only: the page itself stays where it is.
      const [top, bottom] = [button.offsetTop - list.offsetTop, button.offsetTop - list.offsetTop + button.offsetHeight];
      if (top < list.scrollTop || bottom > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 3;
    }
    filter();
    tell();
  }

  function tell() {
    const model = families.flatMap((family) => family.rows).find((row) => row.model.name === chosen)?.model;
    about.hidden = !model;
    if (!model) return;
    const facts = [
      [t("architectures.about.source"), model.source],
      [t("architectures.about.deviations"), model.deviations],
      [t("architectures.about.parent"), model.parent ?? ""],
    ];
    replace(
      about,
      h("p", null, h("strong", null, model.title), model.year ? ` (${model.year})` : "", h("span", { lang: "en" }, `: ${model.idea}.`)),
      h("dl", null, facts.filter(([, said]) => said).map(([name, said]) => h("div", null, h("dt", null, name), h("dd", { lang: "en" }, said)))),
    );
  }

  /** One stop of the Tab key; the arrows, Home and End walk through what the search leaves. */
  list.addEventListener("keydown", (event) => {
    const shown = families.flatMap((family) => family.rows).map((row) => row.button).filter((button) => !button.hidden);
    const at = shown.findIndex((button) => button === event.target);
    const steps = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1 };
    const next = shown[steps[/** @type {keyof typeof steps} */ (event.key)] ?? -1];
    if (at < 0 || !next) return;
    event.preventDefault();
    stopAt(next);
    next.focus();
  });

  /** @param {HTMLButtonElement | undefined} stop */
  function stopAt(stop) {
    for (const { button } of families.flatMap((family) => family.rows)) button.tabIndex = button === stop ? 0 : -1;
  }

  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const first = families.flatMap((family) => family.rows).find((row) => !row.button.hidden);
    if (first) onchoose(first.model.name);
  });
  onLanguage(tell);
  return { root, fill, show };
}

/** @param {string} family @param {Model[]} models */
function familyName(family, models) {
  const names = { lecture: "architectures.family.lecture", resnet_cifar: "architectures.family.resnet-cifar" };
  const key = names[/** @type {keyof typeof names} */ (family)];
  if (key) return text(key);
  const known = { alexnet: "AlexNet", densenet: "DenseNet", googlenet: "GoogLeNet", inception: "Inception v3", lenet: "LeNet-5", mobilenet_v1: "MobileNet v1", mobilenet_v2: "MobileNet v2", mobilenet_v3: "MobileNet v3", preact_resnet: "Pre-activation ResNet", resnet: "ResNet", vgg: "VGG", xception: "Xception" };
  const year = Math.min(...models.map((model) => model.year ?? Infinity));
  return `${known[/** @type {keyof typeof known} */ (family)] ?? family}${Number.isFinite(year) ? ` · ${year}` : ""}`;
}
