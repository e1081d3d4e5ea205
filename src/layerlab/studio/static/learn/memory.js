/** What a person chose and what came of it, lesson by lesson: it outlives the tab's panels, and a reload. */

/** @typedef {import("./words.js").Value} Value */
/** @typedef {import("./words.js").Composed} Composed */
/**
 * @typedef {{
 *   name: string, link: string, choices: string[], options: Record<string, string[]>, arms: Value[], shown: number, timed: boolean, epochs: number,
 *   seeds: { least: number, most: number, usual: number }, target: number
 * }} Offer
 */
/**
 * @typedef {{
 *   label: Value, link: string, parameters: number, train: number, test: [number, number, number], reached: number
 * }} Line
 */
/** @typedef {{ text: Composed, link?: string, arguments?: Record<string, any> }} Next */
/**
 * @typedef {{
 *   name: string, options: Record<string, string>, seeds: [number, number], epochs: number, answer: string | null,
 *   prediction: string | null, held: string, sentences: Composed[], figures: import("./figures.js").Figure[],
 *   table: Line[], shown: import("./figures.js").Figure, next: Next[], seconds: number
 * }} Result
 */
/**
 * @typedef {{
 *   options: Record<string, string>, seeds: number, first: number, prediction: string, opened: boolean, live: boolean,
 *   result: Result | null, progress: { done: number, total: number, partial: { label: Value, loss: number }[] | null } | null,
 *   failure: Text | string | null
 * }} Course
 */

const KEY = "layerlab.lessons";

/** @type {{ open: string, courses: Record<string, Course> }} */
export const memory = { open: "", courses: {} };

/**
 * The course of a lesson, begun where it was not.
 * @param {Offer} offer
 * @returns {Course}
 */
export function courseOf(offer) {
  memory.courses[offer.name] ??= {
    options: Object.fromEntries(Object.entries(offer.options).map(([name, values]) => [name, values[0]])),
    seeds: offer.seeds.usual,
    first: 0,
    prediction: "",
    opened: false,
    live: !offer.timed, // training beside it would disturb the clock
    result: null,
    progress: null,
    failure: null,
  };
  return memory.courses[offer.name];
}

/** Keep everything for a reload of the page. */
export function keep() {
  const lasting = Object.entries(memory.courses).map(([name, course]) => [name, { ...course, progress: null, failure: null }]);
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ open: memory.open, courses: Object.fromEntries(lasting) }));
  } catch {
    // No room, or forbidden: the lessons live as long as the page.
  }
}

/**
 * Take up what was kept, as far as these lessons still have it.
 * @param {Offer[]} offers
 */
export function recollect(offers) {
  if (Object.keys(memory.courses).length) return;
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
    for (const offer of offers) {
      const course = kept.courses?.[offer.name];
      const fits = course && Object.entries(offer.options).every(([name, values]) => values.includes(course.options?.[name]));
      if (fits) memory.courses[offer.name] = course;
    }
    memory.open = offers.some(({ name }) => name === kept.open) ? kept.open : "";
  } catch {
    sessionStorage.removeItem(KEY);
  }
}
