/** The page's session: opens the address's link, sends changes, keeps the address true, comes back after a restart. */

import { t } from "../locale.js";
import * as socket from "../socket.js";
import { store } from "../store.js";
import { withDisplay } from "./link.js";

/** @typedef {import("../store.js").State} State */
/** @typedef {import("../store.js").Specification} Specification */
/** @typedef {import("./edits.js").Changes} Changes */

/** Rapid changes of one control make one entry in the history of the browser. */
const SAME_GESTURE = 800;

/** @type {((message: string) => void)} */
let complain = () => {};
/** @type {Changes | null} */
let pending = null;
/** @type {Changes | null} */
let sent = null;
let shownHash = "";
let lastPush = 0;
let lastFields = "";
let begun = false;
/** How the state that comes next enters the browser's history. @type {"push" | "replace"} */
let entering = "push";

/**
 * Begin: connect, open what the address names, and follow the address.
 * @param {(message: string) => void} onError is told of every refusal, in one sentence
 */
export function begin(onError) {
  complain = onError;
  socket.onFrame((frame) => store.takeFrame(frame));
  store.subscribe((what) => what === "state" && publish(entering));
  socket.onStatus((status) => {
    if (status === "open") void open(begun ? shownHash : location.hash.slice(1), "replace");
  });
  addEventListener("popstate", followAddress);
  socket.connect();
}

/** Whether the address belongs to a tab whose address is all its own. */
function isElsewhere() {
  return ["architectures", "lab"].includes(new URLSearchParams(location.search).get("tab") ?? "");
}

function followAddress() {
  if (isElsewhere()) return;
  const hash = location.hash.slice(1);
  if (begun && hash !== shownHash) void open(hash, "replace");
}

/**
 * Open a link.
 * @param {string} link the hash without "#"
 * @param {"push" | "replace"} [how] whether the browser's "back" leads to what was before
 * @returns {Promise<boolean>} whether it was opened
 */
export async function open(link, how = "push") {
  try {
    /** @type {State & { warnings?: string[] }} */
    const state = await socket.call("open", { link });
    begun = true;
    store.takeDisplay(displayOf(state.page));
    store.selection = null;
    take(state, how);
    void send("watch", { metrics: true });
    for (const warning of state.warnings ?? []) complain(warning);
    return true;
  } catch (error) {
    report(error);
    if (!begun && error instanceof socket.CommandError && link !== "") return open("", "replace");
    if (begun) publish("replace"); // the address names again what is shown
    return false;
  }
}

/**
 * The display keys that the page itself reads; everything else of `page` stays in the server's link.
 * @param {Record<string, string>} page
 * @returns {Record<string, string>}
 */
function displayOf(page) {
  const own = Object.entries(page).filter(
    ([key]) => ["showTestData", "discretize", "hideText"].includes(key) || key.endsWith("_hide"),
  );
  return Object.fromEntries(own);
}

/**
 * Change fields of the specification. Changes asked for while one is on its way go together with the next.
 * @param {(wanted: Specification) => Changes | null} edit from the specification as it will be once everything asked
 *   for before has come; null changes nothing
 */
export function change(edit) {
  if (!store.state) return;
  const changes = edit({ ...store.state.specification, ...sent, ...pending });
  if (!changes) return;
  pending = { ...pending, ...changes };
  if (!sent) void sendPending();
}

async function sendPending() {
  while (pending) {
    sent = pending;
    pending = null;
    await request("change", { changes: sent }, Object.keys(sent).join());
    sent = null;
  }
}

/**
 * Send a command that answers with the state.
 * @param {string} name
 * @param {Record<string, unknown>} [args]
 * @param {string} [fields] what it changes: repeated quickly it makes one entry in the browser's history
 * @returns {Promise<State | null>} null: it was refused
 */
export async function request(name, args = {}, fields = name) {
  try {
    const state = await socket.call(name, args);
    const now = performance.now();
    take(state, fields === lastFields && now - lastPush < SAME_GESTURE ? "replace" : "push");
    [lastFields, lastPush] = [fields, now];
    return state;
  } catch (error) {
    report(error);
    if (store.state) store.tell("state"); // the controls show again what holds
    return null;
  }
}

/**
 * Send a command whose answer is a frame.
 * @param {string} name
 * @param {Record<string, unknown>} [args]
 */
export async function send(name, args = {}) {
  try {
    await socket.call(name, args);
  } catch (error) {
    report(error);
  }
}

/**
 * Set display keys; an empty value takes one away.
 * @param {Record<string, string>} changes
 */
export function display(changes) {
  store.takeDisplay({ ...store.display, ...changes });
  publish("replace");
}

/**
 * Show a unit's map large.
 * @param {import("../store.js").Selection} selection
 */
export function select(selection) {
  if (String(selection) === String(store.selection)) return;
  store.select(selection);
  void send("select", { map: selection });
}

/** @returns {string} the whole address of what is shown */
export function address() {
  return `${location.origin}/#${shownHash}`;
}

/**
 * @param {State} state
 * @param {"push" | "replace"} how
 */
function take(state, how) {
  entering = how;
  store.takeState(state);
  entering = "push";
}

/** @param {"push" | "replace"} how */
function publish(how) {
  if (!store.state || isElsewhere()) return;
  const hash = withDisplay(store.state.link.replace(/^#/, ""), store.display);
  if (hash === shownHash && location.hash.slice(1) === hash) return;
  shownHash = hash;
  const url = `${location.pathname}${location.search}#${hash}`;
  if (how === "push") history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  shownHash = location.hash.slice(1); // as the browser writes it
}

/** @param {unknown} error */
function report(error) {
  if (error instanceof socket.ConnectionLost) return; // the status line says so
  if (error instanceof socket.CommandError) complain(error.key ? t(error.key, error.values) : error.message);
  else {
    sent = pending = null;
    throw error;
  }
}
