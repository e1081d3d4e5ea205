/** Asking the server about a network: one question is on its way at a time, and only the newest is answered. */

import { Refused } from "../layers/api.js";

/** @typedef {import("../layers/api.js").Problem} Problem */
/** @typedef {boolean | number | string | null} Value */
/** @typedef {{ model: string | null, keras: string | null, knobs: Record<string, Value>, input: number[] | null }} Network */
/**
 * @typedef {{
 *   name: string, kind: "switch" | "choice" | "whole" | "real", default: Value, choices: Value[],
 *   least: number | null, most: number | null, step: number | null
 * }} Control
 */
/**
 * @typedef {{
 *   name: string, title: string, year: number | null, source: string, idea: string, deviations: string,
 *   parent: string | null, input: number[], smallest: number, fixed: boolean, controls: Control[]
 * }} Model
 */
/** @typedef {{ families: Record<string, Model[]>, examples: Record<string, string> }} Catalogue */
/**
 * @typedef {{
 *   title: string, kind: string, input: number[][], output: number[][], layers: number, parameters: number,
 *   trainable: number, executed: number, macs: number, at_least: boolean, element_operations: number,
 *   weight_bytes: number, buffer_bytes: number, gradient_bytes: number, optimizer_bytes: Record<string, number>,
 *   backward_bytes: number | null, peak_bytes: number, receptive_field: number[] | null, uncounted: string[],
 *   command: string, python: string
 * }} Numbers
 */
/** @typedef {{ path: string, title: string, lines: string[] }} Explanation */
/**
 * @typedef {{
 *   path: string, name: string, depth: number, kind: string, output: string, parameters: number, macs: number,
 *   opened: boolean, repeats: number
 * }} Line
 */
/** @typedef {{ lines: Line[], deepest: number }} Rows */
/** @typedef {{ name: string, type: string, content: string }} Kept */

/**
 * Ask once.
 * @param {string} what the address under /api/architectures/
 * @param {object} [request] none: GET
 * @returns {Promise<any>}
 */
export async function ask(what, request) {
  let answer;
  let response;
  try {
    response = await fetch(`/api/architectures/${what}`, request && {
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
 * Make a function that asks one thing again and again. While a question is on its way the next ones wait, and of
 * those only the last is sent; questions that a newer one overtook are never answered.
 * @param {string} what
 * @returns {(request: object) => Promise<any>}
 */
export function asker(what) {
  /** @type {{ request: object, resolve: (answer: any) => void, reject: (error: unknown) => void } | null} */
  let next = null;
  let busy = false;

  async function work() {
    busy = true;
    while (next) {
      const mine = next;
      next = null;
      try {
        const answer = await ask(what, mine.request);
        if (!next) mine.resolve(answer);
      } catch (error) {
        if (!next) mine.reject(error);
      }
    }
    busy = false;
  }

  return (request) =>
    new Promise((resolve, reject) => {
      next = { request, resolve, reject };
      if (!busy) void work();
    });
}

/** @returns {Problem} */
function unavailable() {
  return { key: "architectures.error.unavailable", values: {}, text: "The studio does not answer." };
}
