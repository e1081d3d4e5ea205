/** Asking the server for a page's numbers: the newest question is the one that is answered. */

import { hasText, t } from "../locale.js";

/** @typedef {{ key: string, values: Record<string, string | number>, text: string }} Problem */
/** @typedef {[string, number, number]} Place */
/** @typedef {{ value: number, source: Place, weight: number | null, weight_source: Place | null }} Term */
/** @typedef {{ operation: "copy" | "max" | "mean" | "sum", terms: Term[], bias: number }} Cell */
/** @typedef {{ values: number[][], cells: Cell[][] }} Grid */

/** What was asked cannot be computed; its text follows the language. */
export class Refused extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.text);
    this.problem = problem;
  }
}

/**
 * A problem in the language shown.
 * @param {Problem} problem
 * @returns {string}
 */
export function worded(problem) {
  return problem.key && hasText(problem.key) ? t(problem.key, problem.values) : problem.text;
}

/**
 * Make a function that asks one page; a newer question ends the older ones, which then never answer.
 * @param {string} page
 * @returns {(request: object) => Promise<any>}
 */
export function asker(page) {
  let newest = 0;
  /** @type {AbortController | null} */
  let running = null;
  return async (request) => {
    const mine = ++newest;
    running?.abort();
    running = new AbortController();
    try {
      const response = await fetch(`/api/layers/${page}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(request),
        signal: running.signal,
      });
      const answer = await response.json();
      if (mine !== newest) return never();
      if (answer.error) throw new Refused(answer.error);
      if (!response.ok) throw new Refused(unavailable());
      return answer;
    } catch (error) {
      if (mine !== newest) return never();
      if (error instanceof Refused) throw error;
      throw new Refused(unavailable());
    }
  };
}

/** @returns {Promise<never>} */
function never() {
  return new Promise(() => {});
}

/** @returns {Problem} */
function unavailable() {
  return { key: "layers.error.unavailable", values: {}, text: "The studio does not answer." };
}
