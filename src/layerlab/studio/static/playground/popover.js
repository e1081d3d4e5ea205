/** One small window over the page at a time: placed at its anchor, closed by Escape or a click beside it. */

import { h } from "../dom.js";
import { message } from "../locale.js";

/** @type {(() => void) | null} */
let closePresent = null;

/** Close the popover that is open, if one is. */
export function closePopover() {
  closePresent?.();
}

/**
 * Open a popover.
 * @param {HTMLElement | { x: number, y: number }} anchor an element, or a place in the window
 * @param {import("../locale.js").Message} label
 * @param {(Node | false | null)[]} content
 * @param {() => void} [onClose]
 * @returns {HTMLElement}
 */
export function openPopover(anchor, label, content, onClose) {
  closePopover();
  const before = document.activeElement;
  const close = h(
    "button",
    {
      type: "button",
      class: "popover-close",
      "aria-label": message("common.close"),
      title: message("common.close"),
      onclick: () => shut(),
    },
    "×",
  );
  const box = h("div", { class: "popover", role: "dialog", "aria-label": label }, close, content);
  document.body.append(box);
  place(box, anchor);

  const shut = () => {
    closePresent = null;
    document.removeEventListener("pointerdown", beside, true);
    const inside = box.contains(document.activeElement);
    box.remove();
    onClose?.();
    if (inside && before instanceof HTMLElement && before.isConnected) before.focus();
  };
  const beside = (/** @type {PointerEvent} */ event) => {
    if (event.target instanceof Node && !box.contains(event.target)) shut();
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") shut();
    event.stopPropagation(); // the page's own keys are not meant here
  });
  document.addEventListener("pointerdown", beside, true);
  closePresent = shut;
  const first = box.querySelector("input, select");
  if (first instanceof HTMLElement) first.focus({ preventScroll: true });
  if (first instanceof HTMLInputElement && first.type === "number") first.select();
  return box;
}

/**
 * @param {HTMLElement} box
 * @param {HTMLElement | { x: number, y: number }} anchor
 */
function place(box, anchor) {
  const at = anchor instanceof HTMLElement ? anchor.getBoundingClientRect() : new DOMRect(anchor.x, anchor.y, 0, 0);
  const [width, height] = [box.offsetWidth, box.offsetHeight];
  const left = Math.min(
    Math.max(8, at.left + at.width / 2 - width / 2),
    document.documentElement.clientWidth - width - 8,
  );
  const below = at.bottom + 10;
  const fits = below + height <= window.innerHeight || at.top - height - 10 < 0;
  box.style.setProperty("left", `${left + window.scrollX}px`);
  box.style.setProperty("top", `${(fits ? below : at.top - height - 10) + window.scrollY}px`);
}
