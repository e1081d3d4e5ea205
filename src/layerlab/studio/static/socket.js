/** The page's one connection: commands with their replies, events, binary frames; it comes back by itself. */

import { decode } from "./frames.js";

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {"connecting" | "open" | "lost"} Status */

const FIRST_WAIT = 250;
const LONGEST_WAIT = 5000;
/** Milliseconds after which a command that has no reply yet is a slow one. */
const PATIENCE = 900;

/** A command that the server refused: its locale key (or ""), the values of its places, its English sentence. */
export class CommandError extends Error {
  /** @param {{ key?: string, values?: Record<string, string | number>, text?: string }} error */
  constructor(error) {
    super(error.text ?? error.key ?? "");
    this.key = error.key ?? "";
    this.values = error.values ?? {};
  }
}

/** The connection is gone before the reply came. */
export class ConnectionLost extends Error {}

/** @type {WebSocket | null} */
let socket = null;
/** @type {Status} */
let status = "connecting";
let wait = FIRST_WAIT;
let nextId = 1;
/** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
const waiting = new Map();
/** @type {Map<string, Set<(message: any) => void>>} */
const eventListeners = new Map();
/** @type {Set<(frame: Frame) => void>} */
const frameListeners = new Set();
/** @type {Set<(status: Status) => void>} */
const statusListeners = new Set();
/** @type {Set<number>} the commands that have waited for long */
const slow = new Set();
/** @type {Set<(waits: boolean) => void>} */
const slowListeners = new Set();

/** Connect, and connect again whenever the connection is lost. */
export function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/ws/playground`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => become("open");
  socket.onmessage = (event) => receive(event.data);
  socket.onclose = () => {
    socket = null;
    for (const { reject } of waiting.values()) reject(new ConnectionLost("the connection was lost"));
    waiting.clear();
    slow.clear();
    tellSlow();
    become("lost");
    setTimeout(connect, wait * (0.75 + Math.random() / 2)); // a whole class does not come back at one moment
    wait = Math.min(LONGEST_WAIT, wait * 2);
  };
}

/**
 * Send a command.
 * @param {string} name the command, as in the protocol's `do`
 * @param {Record<string, unknown>} [args]
 * @returns {Promise<any>} the reply
 * @throws {CommandError} the server refused it
 * @throws {ConnectionLost} there is no connection
 */
export function call(name, args = {}) {
  const open = socket;
  if (!open || open.readyState !== WebSocket.OPEN) return Promise.reject(new ConnectionLost("there is no connection"));
  const id = nextId++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    setTimeout(() => {
      if (!waiting.has(id)) return;
      slow.add(id);
      tellSlow();
    }, PATIENCE);
    open.send(JSON.stringify({ ...args, id, do: name }));
  });
}

/**
 * Listen for an event that the server sends unasked.
 * @param {string} event
 * @param {(message: any) => void} listener
 * @returns {() => void} forget it
 */
export function on(event, listener) {
  const found = eventListeners.get(event) ?? new Set();
  eventListeners.set(event, found.add(listener));
  return () => found.delete(listener);
}

/**
 * Listen for binary frames of every kind.
 * @param {(frame: Frame) => void} listener
 * @returns {() => void} forget it
 */
export function onFrame(listener) {
  frameListeners.add(listener);
  return () => frameListeners.delete(listener);
}

/**
 * Listen for the state of the connection; called at once with the present one.
 * @param {(status: Status) => void} listener
 * @returns {() => void} forget it
 */
export function onStatus(listener) {
  statusListeners.add(listener);
  listener(status);
  return () => statusListeners.delete(listener);
}

/**
 * Listen for commands whose reply takes long.
 * @param {(waits: boolean) => void} listener is told whether there are any
 * @returns {() => void} forget it
 */
export function onSlow(listener) {
  slowListeners.add(listener);
  return () => slowListeners.delete(listener);
}

function tellSlow() {
  for (const listener of slowListeners) listener(slow.size > 0);
}

/** @param {Status} next */
function become(next) {
  if (status === next) return;
  status = next;
  for (const listener of statusListeners) listener(next);
}

/** @param {string | ArrayBuffer} data */
function receive(data) {
  if (typeof data !== "string") {
    wait = FIRST_WAIT; // it is served, not only let in and refused
    const frame = decode(data);
    for (const listener of frameListeners) listener(frame);
    return;
  }
  const message = JSON.parse(data);
  if (message.event !== undefined) {
    for (const listener of eventListeners.get(message.event) ?? []) listener(message);
    return;
  }
  const reply = waiting.get(message.id);
  waiting.delete(message.id);
  if (slow.delete(message.id)) tellSlow();
  if (message.error) reply?.reject(new CommandError(message.error));
  else reply?.resolve(message);
}
