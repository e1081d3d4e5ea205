/** Asking the server about experiments: every refusal is one sentence. */

import { Refused } from "../layers/api.js";
import { language } from "../locale.js";

/** @typedef {import("../layers/api.js").Problem} Problem */
/** @typedef {{ en: string, pl: string }} Words a text in every language */
/** @typedef {{ name: string, label: Words }} Named */
/** @typedef {boolean | number | string | (boolean | number | string)[]} Level */
/**
 * A question of one's own.
 * @typedef {{
 *   vary: Record<string, Level[]>, hold: Record<string, Level>, tune: Record<string, number[]>, metric: string | null,
 *   equal: string | null
 * }} Own
 */
/** @typedef {{ question: string | null, own: Own | null, on: string[], seeds: number | null }} Asked */
/** @typedef {{ engine: string, tasks: Named[], seeds: number }} Kind */
/** @typedef {{ name: string, title: Words, group: "lecture" | "architectures", kinds: Kind[] }} Question */
/** @typedef {{ engine: string, tasks: Named[] }} Bench */
/** @typedef {{ factors: (Named & { says: string })[], rates: number[] }} Workshop */
/** @typedef {{ questions: Question[], own: Bench[], metrics: Named[], equal: string[], most_seeds: number, plotly: string }} Catalogue */
/** @typedef {{ name: string, label: Words, parameters: number, macs: number }} Arm */
/** @typedef {{ name: string, title: Words, facts: { name: Words, text: Words }[], arms: Arm[], hidden: number }} Comparison */
/**
 * @typedef {{
 *   hash: string, title: Words, engine: string, tasks: Named[], seeds: number, trainings: number,
 *   seconds: number | null, detectable: number | null, exploratory: boolean, comparisons: Comparison[],
 *   command: string, answered: boolean, problem: Problem | null
 * }} Design
 */
/** @typedef {{ name: string, label: Words, log: boolean, unit: string }} Metric */
/** @typedef {(number | string | boolean | null)[]} Run place of its task, replicate, key, whether it failed, then a figure for each metric */
/** @typedef {{ name: string, label: Words, means: Record<string, Record<string, (number | null)[]>>, points: Run[] }} Row */
/** @typedef {{ name: string, title: Words, metrics: Metric[], tasks: Named[], hidden: number, arms: Row[] }} Panel */
/** @typedef {{ verdict: Words, complete: boolean, panels: Panel[] }} Live */
/** @typedef {{ phase: string, done: number, total: number, seconds_left: number | null }} Progress */
/** @typedef {{ state: string, place: number | null, progress: Progress | null, problem: Problem | null }} Status */
/** @typedef {{ title: string, columns: string[], rows: string[][] }} Table */
/** @typedef {{ command: string, title: string, asked: Asked | null }} Next */
/**
 * @typedef {{
 *   design: string, headline: string, sentences: { kind: string, text: string }[], tables: Table[],
 *   figures: { number: number, title: string }[], next: Next[], command: string, facts: string[][], live: Live
 * }} Answer
 */
/** @typedef {{ data: any[], layout: Record<string, any> }} Figure */
/** @typedef {{ title: Words, asked: Asked, tasks: Named[], seeds: number, date: string }} Recalled */
/** @typedef {{ link: string, epochs: number, loss: number | null, failure: string }} Trial */

/**
 * Ask once.
 * @param {string} what the address under /api/lab/
 * @param {object} [request] none: GET
 * @returns {Promise<any>}
 */
export async function ask(what, request) {
  let answer;
  let response;
  try {
    response = await fetch(`/api/lab/${what}`, request && {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
    });
    answer = await response.json();
  } catch {
    throw new Refused(unavailable());
  }
  if (answer.error) throw new Refused(answer.error);
  if (!response.ok) throw new Refused(unavailable());
  return answer;
}

/**
 * A text in the language shown.
 * @param {Words} words
 * @returns {string}
 */
export function said(words) {
  return words[language()] ?? words.en;
}

/** @returns {Problem} */
function unavailable() {
  return { key: "lab.error.unavailable", values: {}, text: "The studio does not answer." };
}
