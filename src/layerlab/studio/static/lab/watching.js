/** The socket of one experiment: where it is and what was measured so far; it comes back by itself. */

/** @typedef {import("./api.js").Live} Live */
/** @typedef {import("./api.js").Problem} Problem */
/** @typedef {import("./api.js").Status} Status */

const FIRST_WAIT = 250;
const LONGEST_WAIT = 5000;

/**
 * Watch an experiment.
 * @param {string} design the hash of its design
 * @param {{
 *   onstatus: (status: Status) => void, onlive: (live: Live) => void, onerror: (problem: Problem) => void,
 *   onconnection: (lost: boolean) => void
 * }} told
 * @returns {() => void} end it
 */
export function watch(design, told) {
  /** @type {WebSocket | null} */
  let socket = null;
  let ended = false;
  let wait = FIRST_WAIT;
  let timer = 0;

  function connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(`${scheme}//${location.host}/ws/lab?design=${encodeURIComponent(design)}`);
    socket.onmessage = (event) => {
      if (ended) return;
      const message = JSON.parse(event.data);
      if (message.status) {
        wait = FIRST_WAIT;
        told.onconnection(false);
        told.onstatus(message.status);
      }
      if (message.live) told.onlive(message.live);
      if (message.error) told.onerror(message.error);
    };
    socket.onclose = () => {
      if (ended) return;
      told.onconnection(true);
      timer = window.setTimeout(connect, wait * (0.75 + Math.random() / 2)); // a whole class does not come back at one moment
      wait = Math.min(LONGEST_WAIT, wait * 2);
    };
  }

  connect();
  return () => {
    ended = true;
    clearTimeout(timer);
    socket?.close();
  };
}
