/* What the pages do beyond links and forms. All of it also works without: this file only saves reloads. */
"use strict";

document.documentElement.classList.add("js");

const UNREACHABLE = "The server can't be reached, so nothing was saved. Check your connection and try again.";
const BROKEN = "Something went wrong on our side, so nothing was saved. Try again in a moment.";
const POLL_EVERY = 5000;

/** Read a text out, to those who listen. */
function say(text) {
  const region = document.getElementById("live");
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 100);
}

// Copy buttons. Pages over plain http have no clipboard API: there the field is selected and copied the old way.

async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.focus();
    field.select();
    return document.execCommand("copy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const words = button.querySelector("span");
  const copied = await copy(document.getElementById(button.dataset.copy));
  words.textContent = copied ? "Copied" : "Press Ctrl+C";
  say(copied ? `${button.dataset.what} copied` : "Press Ctrl+C to copy");
  if (copied) button.focus();
  setTimeout(() => { words.textContent = "Copy"; }, 2500);
});

document.addEventListener("focusin", (event) => {
  if (event.target.matches("input[readonly]")) event.target.select();
});

// Switches flip at once, and back when the server does not agree.

function flip(element, busy) {
  const control = element.querySelector?.("[role=switch]");
  if (!control) return;
  control.setAttribute("aria-checked", String(control.getAttribute("aria-checked") !== "true"));
  control.toggleAttribute("aria-busy", busy);
  if (busy) control.setAttribute("aria-busy", "true");
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const status = statusOf(event.detail.elt);
  if (status) status.replaceChildren();
  flip(event.detail.elt, true);
});

function statusOf(element) {
  return element.closest("[data-control]")?.querySelector("[data-status]");
}

function fail(element, reason) {
  if (element.matches("[data-poll]")) return;
  flip(element, false);
  const status = statusOf(element);
  if (status) {
    status.classList.add("bad");
    status.textContent = reason;
  }
  say(reason);
}

function reasonOf(request) {
  const inWords = (request.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  return inWords && request.status < 500 ? request.responseText : BROKEN;
}

document.addEventListener("htmx:responseError", (event) => fail(event.detail.elt, reasonOf(event.detail.xhr)));
document.addEventListener("htmx:sendError", (event) => fail(event.detail.elt, UNREACHABLE));
document.addEventListener("htmx:timeout", (event) => fail(event.detail.elt, UNREACHABLE));

// What came in anew is read out; an offer to undo goes away after a while, but never from under a hand.

function vanish(element, seconds) {
  setTimeout(() => {
    if (element.matches(":hover, :focus-within")) vanish(element, 1);
    else element.remove();
  }, seconds * 1000);
}

document.addEventListener("htmx:load", (event) => {
  const element = event.detail.elt;
  // htmx has put the focus there; what is kept through the next change must not take it again.
  for (const field of element.querySelectorAll("[autofocus]")) field.removeAttribute("autofocus");
  for (const words of element.querySelectorAll("[data-say]")) say(words.textContent.trim());
  for (const offer of element.querySelectorAll("[data-vanish]")) vanish(offer, Number(offer.dataset.vanish));
});

// One box that ticks all others of its form.

document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-tick-all]");
  if (!all) return;
  for (const box of all.form.querySelectorAll("input[name=person], input[name=invitation]")) box.checked = all.checked;
});

setInterval(() => {
  if (document.visibilityState !== "visible" || !navigator.onLine) return;
  for (const element of document.querySelectorAll("[data-poll]")) htmx.trigger(element, "poll");
}, POLL_EVERY);
