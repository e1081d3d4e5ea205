/** The Lab tab: a question, its design, its runs as they arrive, its answer. */

import { h, replace } from "../dom.js";
import { Refused, worded } from "../layers/api.js";
import { language, message, onLanguage, text } from "../locale.js";
import { answerCard } from "./answer_card.js";
import { ask, said } from "./api.js";
import { composer } from "./composer.js";
import { designCard } from "./design_card.js";
import { leadCard } from "./lead.js";
import { askingOptions } from "./options.js";
import { progressCard } from "./progress.js";
import { questionList } from "./questions.js";
import { runsPanel } from "./runs_panel.js";
import { firstOwn, readAddress, writeAddress } from "./state.js";
import { watch } from "./watching.js";

/** @typedef {import("./api.js").Asked} Asked */
/** @typedef {import("./api.js").Catalogue} Catalogue */
/** @typedef {import("./api.js").Design} Design */
/** @typedef {import("./api.js").Kind} Kind */
/** @typedef {import("./api.js").Live} Live */
/** @typedef {import("./api.js").Status} Status */
/** @typedef {import("./api.js").Workshop} Workshop */

const OWN_SEEDS = 10;
/** As in lab.css: the questions then stand above, and make room once one is chosen. */
const NARROW = matchMedia("(max-width: 60rem)");

/**
 * @param {HTMLElement} root
 * @returns {{ shown: () => void }}
 */
export function mount(root) {
  /** @type {Catalogue | null} */
  let catalogue = null;
  /** @type {Asked | null} */
  let asked = null;
  /** @type {Design | null} */
  let design = null;
  /** @type {Status | null} */
  let status = null;
  /** @type {Live | null} */
  let live = null;
  /** The design whose answer is shown. */
  let answered = "";
  /** @type {Record<string, Workshop>} */
  const workshops = {};
  let newest = 0;
  let unwatch = () => {};

  const list = questionList({ onchoose: (question) => choose({ question, own: question === null ? firstOwn() : null, on: [], seeds: null }) });
  const title = h("h2", { class: "lab-title", tabindex: -1 });
  const options = askingOptions({ onchange: (part) => change(part) });
  const own = composer({ onchange: (next) => change({ own: next }) });
  const plan = designCard();
  const progress = progressCard({ onrun: () => void run(), onstop: () => void act("stop", { design: design?.hash }) });
  const runs = runsPanel({ design: () => design?.hash ?? "", onopen: openInPlayground });
  const answer = answerCard({ onask: choose, onopen: (key) => void runs.open(key) });
  const problem = h("p", { class: "failure", role: "alert", hidden: true });
  const again = h("button", { type: "button", class: "button", hidden: true, onclick: () => void begin() }, text("lab.retry"));
  const lead = leadCard({ onask: choose });
  const asking = h("section", { class: "card lab-asking", "aria-label": message("lab.asking"), hidden: true }, title, own.root, options.root, problem, plan.root, progress.root);
  const choosing = h("details", { class: "lab-choosing", open: true }, h("summary", null, text("lab.questions")), list.root);
  const side = h("nav", { class: "card lab-side", "aria-label": message("lab.questions"), hidden: true }, choosing);
  const main = h("div", { class: "lab-main" }, lead.root, asking, answer.root, runs.root);
  const failure = h("p", { class: "failure", role: "alert", hidden: true });
  replace(root, h("h1", { class: "visually-hidden" }, text("common.tab.lab")), failure, again, h("div", { class: "lab" }, side, main));

  async function begin() {
    failure.hidden = again.hidden = true;
    try {
      catalogue = await ask("catalogue");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      failure.hidden = again.hidden = false;
      replace(failure, worded(error.problem));
      return;
    }
    side.hidden = false;
    list.fill(/** @type {Catalogue} */ (catalogue));
    follow();
  }

  function named() {
    return new URLSearchParams(location.search).get("tab") === "lab";
  }

  /** Show what the address asks. */
  function follow() {
    if (!catalogue || !named()) return;
    const next = readAddress(location.search);
    if (JSON.stringify(next) === JSON.stringify(asked)) return;
    asked = next;
    paint();
    void describe();
  }

  /** @param {Asked} next */
  function choose(next) {
    asked = next;
    history.pushState(null, "", location.pathname + writeAddress(asked));
    paint();
    void describe();
    title.focus({ preventScroll: true });
    asking.scrollIntoView({ block: "start" });
  }

  /** @param {Partial<Asked>} part */
  function change(part) {
    if (!asked) return;
    asked = { ...asked, ...part };
    history.replaceState(null, "", location.pathname + writeAddress(asked));
    paint();
    void describe();
  }

  /** What can be chosen of the question. @returns {Kind[]} */
  function kinds() {
    if (!catalogue || !asked) return [];
    if (asked.own) return catalogue.own.map((one) => ({ engine: one.engine, tasks: one.tasks, seeds: OWN_SEEDS }));
    return catalogue.questions.find((one) => one.name === asked?.question)?.kinds ?? [];
  }

  /** What a question of one's own is made of: of the kind of its tasks. */
  async function compose() {
    const bench = catalogue?.own.find((one) => asked?.on.length && asked.on.every((task) => one.tasks.some(({ name }) => name === task))) ?? catalogue?.own[0];
    if (!bench || !catalogue) return;
    try {
      workshops[bench.engine] ??= await ask(`workshop/${bench.engine}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return tell(worded(error.problem));
    }
    if (asked?.own) own.show(asked.own, workshops[bench.engine], catalogue);
  }

  function paint() {
    lead.root.hidden = asked !== null;
    if (asked === null) lead.show();
    choosing.open = asked === null || !NARROW.matches;
    asking.hidden = asked === null;
    list.show(asked === null ? undefined : asked.question);
    if (!asked || !catalogue) return;
    const known = catalogue.questions.find((one) => one.name === asked?.question);
    replace(title, known ? said(known.title) : asked.own ? text("lab.own") : asked.question);
    own.root.hidden = asked.own === null;
    if (asked.own) void compose();
    options.show(kinds(), asked, catalogue.most_seeds);
    showProgress();
  }

  function showProgress() {
    progress.show(status, live, design?.answered ?? false, design !== null && design.problem === null);
  }

  /** Ask what would be run, and watch it. */
  async function describe() {
    const mine = ++newest;
    if (!asked) return forget();
    asking.setAttribute("aria-busy", "true");
    try {
      /** @type {Design} */
      const found = await ask("design", asked);
      if (mine !== newest) return;
      if (found.hash !== design?.hash) forget();
      design = found;
      tell(found.problem ? worded(found.problem) : "");
      plan.show(found);
      if (answered !== found.hash) await followRun(found);
    } catch (error) {
      if (mine !== newest) return;
      if (!(error instanceof Refused)) throw error;
      forget();
      tell(worded(error.problem));
    } finally {
      if (mine === newest) asking.removeAttribute("aria-busy");
    }
    showProgress();
  }

  /** @param {string} sentence */
  function tell(sentence) {
    problem.hidden = sentence === "";
    replace(problem, sentence);
  }

  /** Let go of the experiment that is shown. */
  function forget() {
    unwatch();
    unwatch = () => {};
    [design, status, live, answered] = [null, null, null, ""];
    plan.show(null);
    runs.show(null);
    answer.hide();
    showProgress();
  }

  /** @param {Design} found */
  async function followRun(found) {
    if (found.answered) return showAnswer(found.hash);
    unwatch();
    unwatch = watch(found.hash, {
      onconnection: progress.connection,
      onerror: (refused) => tell(worded(refused)),
      onlive(next) {
        live = next;
        runs.show(next);
        showProgress();
      },
      onstatus(next) {
        const done = next.state === "done" && status?.state !== "done";
        status = next;
        showProgress();
        if (done) void showAnswer(found.hash);
      },
    });
  }

  /** @param {string} hash */
  async function showAnswer(hash) {
    try {
      const found = await ask("answer", { design: hash, language: language() });
      if (design?.hash !== hash) return;
      unwatch();
      answered = hash;
      design = { ...design, answered: true };
      [status, live] = [null, found.live];
      answer.show(found, catalogue?.plotly ?? "");
      runs.show(found.live);
      showProgress();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      tell(worded(error.problem));
    }
  }

  async function run() {
    tell("");
    await act("run", asked ?? {});
  }

  /** @param {string} what @param {object} request */
  async function act(what, request) {
    try {
      await ask(what, request);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      tell(worded(error.problem));
    }
  }

  /** @param {string} link */
  function openInPlayground(link) {
    history.pushState(null, "", `/#${link}`);
    dispatchEvent(new PopStateEvent("popstate")); // both the tabs and the playground follow the address
  }

  addEventListener("popstate", follow);
  NARROW.addEventListener("change", () => (choosing.open = asked === null || !NARROW.matches));
  onLanguage(() => {
    paint();
    if (design) plan.show(design);
    runs.show(live);
    if (answered) void showAnswer(answered);
    else showProgress();
  });
  void begin();
  return { shown: follow };
}
