/** The keys: space plays, "." steps a minibatch, ">" or → an epoch, "r" begins again, "n" takes new weights. */

import { reset, step, toggle } from "./player.js";

/** @type {Record<string, () => void>} */
const KEYS = {
  " ": toggle,
  ".": () => step({ minibatches: 1 }),
  ">": () => step({ epochs: 1 }),
  ArrowRight: () => step({ epochs: 1 }),
  r: () => reset(false),
  n: () => reset(true),
};

/**
 * @param {() => boolean} isShown whether the playground is the tab that is shown
 */
export function listenToKeys(isShown) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !isShown()) return;
    const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || takesKey(event.target, event.key)) return;
    event.preventDefault();
    action();
  });
}

/**
 * Whether an element has a use of its own for a key.
 * @param {EventTarget | null} target
 * @param {string} key
 */
function takesKey(target, key) {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target.isContentEditable ||
    target.closest("textarea, select, [role=radiogroup], [role=tablist], [role=application]")
  )
    return true;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio"].includes(target.type) || key === " ";
  if (key.startsWith("Arrow") && target.closest(".network-overlay")) return true;
  return key === " " && target.closest("button, a, summary") !== null;
}
