/** The link of what is shown: copy it, choose what it hides, open another that somebody gave you. */

import { h } from "../dom.js";
import { message, t, text } from "../locale.js";
import { store } from "../store.js";
import { HIDABLE } from "./choices.js";
import { icon } from "./icons.js";
import { hashOf, isOn } from "./link.js";
import { closePopover, openPopover } from "./popover.js";
import { address, display, open } from "./session.js";

/** @returns {HTMLElement} */
export function shareButton() {
  const button = h(
    "button",
    { type: "button", class: "button share", "aria-haspopup": "dialog", onclick: () => openShare(button) },
    icon("share"),
    text("playground.share"),
  );
  return button;
}

/** @param {HTMLElement} anchor */
function openShare(anchor) {
  const link = h("input", {
    type: "text",
    readonly: true,
    class: "link",
    "aria-label": message("playground.share.link"),
  });
  const refresh = () => (link.value = address());
  refresh();
  const copied = h("span", { class: "muted small", role: "status" });
  const copy = async () => {
    link.select();
    try {
      await navigator.clipboard.writeText(link.value);
      copied.textContent = t("common.copied");
    } catch {
      copied.textContent = t("playground.share.byHand"); // the link is selected: Ctrl+C takes it
    }
  };
  openPopover(
    anchor,
    message("playground.share"),
    [
      h("h3", null, text("playground.share.link")),
      h(
        "div",
        { class: "row" },
        link,
        h("button", { type: "button", class: "button", onclick: copy }, text("common.copy")),
      ),
      copied,
      h("p", { class: "muted small" }, text("playground.share.explained")),
      pasteField(),
      h(
        "details",
        null,
        h("summary", null, text("playground.share.hide")),
        h(
          "div",
          { class: "checks" },
          HIDABLE.map((name) => hidingCheck(name, refresh)),
          hideTextCheck(refresh),
        ),
      ),
    ],
    store.subscribe((what) => (what === "state" || what === "display") && refresh()),
  );
}

function pasteField() {
  const field = h("input", {
    type: "text",
    class: "link",
    placeholder: "https://…/#activation=tanh&…",
    spellcheck: "false",
    autocomplete: "off",
  });
  const go = async () => {
    if (field.value.trim() !== "" && (await open(hashOf(field.value)))) closePopover();
  };
  field.addEventListener("keydown", (event) => event.key === "Enter" && void go());
  return h(
    "div",
    { class: "field" },
    h(
      "label",
      null,
      h("span", null, text("playground.share.paste")),
      h(
        "div",
        { class: "row" },
        field,
        h("button", { type: "button", class: "button", onclick: go }, text("playground.share.open")),
      ),
    ),
  );
}

/**
 * @param {string} name
 * @param {() => void} refresh
 */
function hidingCheck(name, refresh) {
  return check(`playground.hidable.${name}`, isOn(store.display, `${name}_hide`), (hidden) => {
    display({ [`${name}_hide`]: hidden ? "true" : "" });
    refresh();
  });
}

/** @param {() => void} refresh */
function hideTextCheck(refresh) {
  return check("playground.hidable.text", isOn(store.display, "hideText"), (hidden) => {
    display({ hideText: hidden ? "true" : "" });
    refresh();
  });
}

/**
 * @param {string} key
 * @param {boolean} checked
 * @param {(checked: boolean) => void} onChange
 */
function check(key, checked, onChange) {
  const input = h("input", { type: "checkbox", checked });
  input.addEventListener("change", () => onChange(input.checked));
  return h("label", { class: "check" }, input, h("span", null, text(key)));
}
