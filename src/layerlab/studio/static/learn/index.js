/** The guided lessons: the list of the lecture's six questions, and the one that is open. */

import { h, onceAFrame, replace } from "../dom.js";
import { onLanguage, t } from "../locale.js";
import { CommandError, ConnectionLost, onStatus } from "../socket.js";
import { sentence } from "../playground/panels/parts.js";
import { showCourse } from "./course.js";
import { ownRun } from "./result.js";
import { courseOf, keep, memory, recollect } from "./memory.js";

/** @typedef {import("../playground/panels/parts.js").Context} Context */
/** @typedef {import("./memory.js").Offer} Offer */
/** @typedef {import("./memory.js").Course} Course */

/** The frames a second at which a lesson's network trains in the playground, and the minibatches of each. */
const PACE = { minibatches: 25, frames: 30 };

/**
 * Mount the lessons.
 * @param {HTMLElement} root
 * @param {Context} context
 */
export function mountLessons(root, context) {
  /** Those whose button to stop was pressed since they began. @type {WeakSet<Course>} */
  const stopping = new WeakSet();
  /** @type {Offer[]} */
  let offers = [];
  let asked = false;
  const body = h("div", { class: "learn" });
  replace(root, body);

  async function load() {
    if (asked || offers.length) return;
    asked = true;
    replace(body, h("p", { role: "status" }, t("learn.loading")));
    try {
      ({ lessons: offers } = await context.call("lesson", { name: "contents", arguments: {} }));
      recollect(offers);
      render();
    } catch (error) {
      replace(body, h("p", { role: "alert" }, sentence(error)), h("button", { type: "button", class: "button", onclick: load }, t("learn.retry")));
    } finally {
      asked = false;
    }
  }

  function render() {
    if (!offers.length) return;
    const focused = document.activeElement instanceof HTMLElement && body.contains(document.activeElement) ? document.activeElement : null;
    const [name, value, look] = [focused?.getAttribute("name"), focused?.getAttribute("value"), focused?.classList[focused.classList.length - 1]];
    const at = offers.findIndex((offer) => offer.name === memory.open);
    replace(body, at < 0 ? contents() : lesson(offers[at], offers[(at + 1) % offers.length]));
    const same = name ? `[name="${name}"]${focused instanceof HTMLInputElement && focused.type === "radio" ? `[value="${value}"]` : ""}` : look && `.${CSS.escape(look)}`;
    if (focused && same) /** @type {HTMLElement | null} */ (body.querySelector(same))?.focus({ preventScroll: true });
  }

  /** @param {string} name */
  function open(name) {
    memory.open = name;
    keep();
    render();
    /** @type {HTMLElement | null} */ (body.querySelector(".learn-title"))?.focus();
  }

  function contents() {
    const card = (/** @type {Offer} */ offer) => {
      const { result, prediction } = courseOf(offer);
      const mark = result ? "learn.done" : prediction ? "learn.started" : "";
      const title = h("span", null, t(`learn.${offer.name}.title`));
      return h("li", null, h("button", { type: "button", class: "learn-card", dataset: { lesson: offer.name }, onclick: () => open(offer.name) }, title, mark && h("span", { class: "learn-mark" }, t(mark))));
    };
    return [h("h3", { class: "learn-title", tabindex: -1 }, t("learn.title")), h("p", null, t("learn.lead")), h("ol", { class: "learn-contents" }, offers.map(card))];
  }

  /**
   * @param {Offer} offer
   * @param {Offer} following
   */
  function lesson(offer, following) {
    const course = courseOf(offer);
    const ask = (/** @type {Record<string, any>} */ choices) => {
      const { seeds, first_seed, ...options } = choices;
      Object.assign(course.options, options);
      course.seeds = seeds ?? course.seeds;
      course.first = first_seed ?? course.first;
      void run(offer, course);
    };
    const acts = {
      changed: () => (keep(), render()),
      redraw: render,
      setUp: () => void setUp(offer, course),
      run: () => void run(offer, course),
      stop: () => {
        stopping.add(course);
        void context.call("cancel").catch(() => undefined);
      },
      openLink: (/** @type {string} */ link) => (context.openLink(link), window.scrollTo({ top: 0 })),
      again: ask,
      live: () => live(course),
    };
    return [
      h("button", { type: "button", class: "button small learn-back", onclick: () => open("") }, `← ${t("learn.back")}`),
      ...showCourse(offer, course, acts),
      h("button", { type: "button", class: "button learn-following", onclick: () => open(following.name) }, t("learn.next-lesson", { title: t(`learn.${following.name}.title`) })),
    ];
  }

  /**
   * The playground's network, while it is the one that the lesson set up.
   * @param {Course} course
   */
  function live(course) {
    const frame = /** @type {any} */ (context.store.frame);
    if (!course.opened || !frame || !(frame.epoch > 0) || !Number.isFinite(frame.test_loss)) return null;
    return { epoch: frame.epoch, test_loss: frame.test_loss };
  }

  /** Keep the sentence on the playground's own run up to date while it trains. */
  const followRun = onceAFrame(() => {
    const item = body.querySelector(".learn-live");
    const course = memory.courses[memory.open];
    const now = item && course?.result && live(course);
    if (now && course.result) item.textContent = ownRun(now, course.result);
  });

  /**
   * Put the lesson's network, with the person's choices, into the playground.
   * @param {Offer} offer
   * @param {Course} course
   */
  async function setUp(offer, course) {
    try {
      const { link } = await context.call("lesson", { name: "contents", arguments: { lesson: offer.name, ...course.options } });
      await context.openLink(link);
      course.opened = true;
      course.failure = null;
    } catch (error) {
      course.failure = failureOf(error);
    }
    keep();
    render();
  }

  /**
   * @param {Offer} offer
   * @param {Course} course
   */
  async function run(offer, course) {
    if (course.progress) return;
    if (course.live) await setUp(offer, course);
    stopping.delete(course);
    course.progress = { done: 0, total: 1, partial: null };
    course.failure = null;
    render();
    if (course.live) await context.call("play", { ...PACE, stop: { epoch: offer.epochs } }).catch(() => undefined);
    try {
      // Whoever pressed the button before there was anything to end is heard here.
      if (stopping.has(course)) throw new CommandError({ key: "error.cancelled" });
      const choices = { ...course.options, seeds: course.seeds, first_seed: course.first, prediction: course.prediction };
      course.result = await context.call("lesson", { name: offer.name, arguments: choices });
    } catch (error) {
      course.failure = failureOf(error);
    }
    course.progress = null;
    keep();
    render();
    if (course.result && memory.open === offer.name) /** @type {HTMLElement | null} */ (body.querySelector("#learn-step-result"))?.focus();
  }

  context.on("lesson", ({ name, done, total, partial }) => {
    const course = memory.courses[name];
    if (!course?.progress) return;
    course.progress = { done, total, partial };
    if (memory.open === name) render();
  });
  context.store.subscribe((change) => {
    if (change === "losses") followRun();
  });
  onLanguage(render);
  onStatus((status) => {
    if (status === "open") void load();
  });
  void load();
}

/**
 * What to say of a failure: the key of a text, or the server's own sentence.
 * @param {unknown} error
 * @returns {string | Text}
 */
function failureOf(error) {
  if (error instanceof ConnectionLost) return "learn.run.lost";
  return error instanceof CommandError && error.key === "error.cancelled" ? "learn.run.stopped" : sentence(error);
}
