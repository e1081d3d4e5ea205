/** The page's language: texts by key, nodes and attributes that follow it, and numbers as that language writes them. */

import { recall, remember } from "./preferences.js";

/** @typedef {Record<string, string | number>} Values */
/** @typedef {{ key: string, values: Values | (() => Values) | undefined, isMessage: true }} Message */

/** The languages, in the order of the switch. */
export const LANGUAGES = /** @type {const} */ (["en", "pl"]);
/** @typedef {"en" | "pl"} Language */

/** @type {Record<string, string>} */
let texts = {};
/** @type {Language} */
let current = "en";
/** @type {Map<Language, Record<string, string>>} */
const loaded = new Map();
/** @type {Set<{ holder: WeakRef<Node>, update: (node: any) => void }>} */
const bound = new Set();
/** @type {Set<() => void>} */
const listeners = new Set();
let sweepAt = 1000;

/** @returns {Language} the language that is shown */
export function language() {
  return current;
}

/** @returns {Language} the language remembered, or the first of the browser's that there is */
export function preferredLanguage() {
  const wanted = [recall("language", ""), ...navigator.languages.map((name) => name.slice(0, 2).toLowerCase())];
  return LANGUAGES.find((name) => name === wanted.find((want) => LANGUAGES.some((known) => known === want))) ?? "en";
}

/**
 * Show the page in a language; every bound node and attribute follows.
 * @param {Language} name
 * @returns {Promise<void>}
 */
export async function setLanguage(name) {
  const found = loaded.get(name) ?? (await fetchTexts(name));
  loaded.set(name, found);
  texts = found;
  current = name;
  document.documentElement.lang = name;
  remember("language", name);
  for (const entry of bound) {
    const node = entry.holder.deref();
    if (node) entry.update(node);
    else bound.delete(entry);
  }
  for (const listener of listeners) listener();
}

/**
 * @param {Language} name
 * @returns {Promise<Record<string, string>>}
 */
async function fetchTexts(name) {
  const response = await fetch(`/locale/${name}.json`);
  if (!response.ok) throw new Error(`the texts in "${name}" did not come: ${response.status}`);
  return response.json();
}

/**
 * The text of a key with its places filled in; numbers are written as the language writes them.
 * @param {string} key
 * @param {Values | (() => Values)} [values]
 * @returns {string} the key itself where there is no such text
 */
export function t(key, values) {
  const pattern = Object.hasOwn(texts, key) ? texts[key] : key;
  if (!values) return pattern;
  const given = typeof values === "function" ? values() : values;
  return pattern.replace(/\{(\w+)\}/g, (place, name) => (Object.hasOwn(given, name) ? shown(given[name]) : place));
}

/** @param {string | number} value */
function shown(value) {
  return typeof value === "number" ? formatNumber(value) : value;
}

/**
 * Whether the language shown has a text of this key.
 * @param {string} key
 * @returns {boolean}
 */
export function hasText(key) {
  return Object.hasOwn(texts, key);
}

/**
 * A number as the language writes it.
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options] by default at most four significant digits after rounding
 * @returns {string}
 */
export function formatNumber(value, options) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const small = value !== 0 && Math.abs(value) < 1e-4;
  const chosen =
    options ??
    (Number.isInteger(value)
      ? {}
      : small
        ? { maximumSignificantDigits: 3, notation: "scientific" }
        : { maximumSignificantDigits: 4 });
  return powersOfTen(formatter(chosen).format(value).replace("-", "−"));
}

/**
 * 5.9E-4 as people write it.
 * @param {string} written
 */
function powersOfTen(written) {
  const [mantissa, exponent] = written.split("E");
  if (exponent === undefined) return written;
  const raised = Array.from(exponent, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? "⁻").join("");
  return `${mantissa}·10${raised}`;
}

/** @type {Map<string, Intl.NumberFormat>} */
const formatters = new Map();

/** @param {Intl.NumberFormatOptions} options */
function formatter(options) {
  const name = current + JSON.stringify(options);
  const made = formatters.get(name) ?? new Intl.NumberFormat(current, { signDisplay: "negative", ...options });
  formatters.set(name, made);
  return made;
}

/**
 * A text node that follows the language.
 * @param {string} key
 * @param {Values | (() => Values)} [values] a function is asked again at every change of language
 * @returns {Text}
 */
export function text(key, values) {
  const node = document.createTextNode(t(key, values));
  bind(node, (/** @type {Text} */ held) => {
    held.data = t(key, values);
  });
  return node;
}

/**
 * An attribute's value that follows the language, for `h(tag, {title: message("key")})`.
 * @param {string} key
 * @param {Values | (() => Values)} [values]
 * @returns {Message}
 */
export function message(key, values) {
  return { key, values, isMessage: true };
}

/**
 * @param {unknown} value
 * @returns {value is Message}
 */
export function isMessage(value) {
  return typeof value === "object" && value !== null && "isMessage" in value;
}

/**
 * Keep an attribute in the language shown.
 * @param {Element} element
 * @param {string} name
 * @param {Message} what
 */
export function bindAttribute(element, name, what) {
  element.setAttribute(name, t(what.key, what.values));
  bind(element, (/** @type {Element} */ held) => held.setAttribute(name, t(what.key, what.values)));
}

/**
 * Call `listener` after every change of language (for canvases, which hold no nodes).
 * @param {() => void} listener
 * @returns {() => void} forget it
 */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * @param {Node} node
 * @param {(node: any) => void} update must not hold the node itself, or it would live for ever
 */
function bind(node, update) {
  bound.add({ holder: new WeakRef(node), update });
  if (bound.size < sweepAt) return;
  for (const entry of bound) if (!entry.holder.deref()) bound.delete(entry);
  sweepAt = Math.max(1000, bound.size * 2);
}
