/** What the page says by itself: the connection, what was refused, what training did. */

import { h, replace } from "../dom.js";
import { onLanguage, t, text } from "../locale.js";
import * as socket from "../socket.js";
import { store } from "../store.js";

const SHOWN_FOR = 7000;

/**
 * Put the status lines into `root`.
 * @param {HTMLElement} root
 * @returns {{ notify: (node: Node) => void }} `notify` shows a message for a while
 */
export function mountStatus(root) {
  const lost = h("p", { class: "banner lost", role: "alert", hidden: true }, text("playground.lost"));
  const refused = h("p", { class: "banner", role: "alert", hidden: true });
  const notices = h("div", { class: "notices", role: "status" });
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  replace(root, lost, refused, notices, patienceLine(), spoken);
  let wasOpen = false;
  socket.onStatus((status) => {
    // The first moments of a page are no loss.
    lost.hidden = status !== "lost" || !refused.hidden;
    if (status === "open" && wasOpen) spoken.textContent = t("playground.found");
    wasOpen ||= status === "open";
  });
  socket.on("refused", ({ error }) => {
    replace(refused, error.key ? text(error.key, error.values) : error.text);
    refused.hidden = false;
    lost.hidden = true;
  });
  socket.onFrame(() => (refused.hidden = true));
  const notify = (/** @type {Node} */ node) => {
    const notice = h(
      "div",
      { class: "notice" },
      h("span", null, node),
      h(
        "button",
        { type: "button", class: "popover-close", "aria-label": t("common.close"), onclick: () => notice.remove() },
        "×",
      ),
    );
    for (const old of Array.from(notices.children)) if (old.textContent === notice.textContent) old.remove();
    for (const old of Array.from(notices.children).slice(0, -2)) old.remove();
    notices.append(notice);
    setTimeout(() => notice.remove(), SHOWN_FOR);
  };
  socket.on("stopped", (event) => {
    if (event.error) notify(document.createTextNode(event.error.text ?? ""));
    else if (event.reason === "epoch" || event.reason === "loss")
      notify(text(`playground.stopped.${event.reason}`, { epoch: event.epoch ?? 0 }));
  });
  speakOfPlaying(spoken);
  return { notify };
}

/**
 * What is being waited for: before the first picture the engine, which a machine compiles when it first meets it.
 * @returns {HTMLElement}
 */
function patienceLine() {
  const words = h("span");
  const line = h("p", { class: "patience", role: "status", hidden: true }, h("span", { class: "spinner" }), words);
  let waits = false;
  const show = () => {
    const began = store.frame !== null;
    line.hidden = !waits;
    replace(words, text(began ? "playground.working" : "playground.preparing"));
  };
  socket.onSlow((slow) => {
    waits = slow;
    show();
  });
  return line;
}

/** @param {HTMLElement} spoken */
function speakOfPlaying(spoken) {
  let playing = false;
  store.subscribe((what) => {
    if (what !== "frame" || store.frame?.playing === playing) return;
    playing = store.frame?.playing === true;
    spoken.textContent = t(playing ? "playground.spoken.playing" : "playground.spoken.paused", {
      epoch: store.frame?.epoch ?? 0,
      train: store.frame?.train_loss ?? NaN,
      test: store.frame?.test_loss ?? NaN,
    });
  });
  onLanguage(() => (spoken.textContent = ""));
}
