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

// Switches flip at once, and back when the server does not agree. Each click counts, also while an earlier one of the
// same part is on its way: they are sent one after the other, and what the last answer brings shows what all have done.

function switchOf(element) {
  return element.querySelector?.(":scope > [role=switch]");
}

function flip(control, busy) {
  const on = control.getAttribute("aria-checked") !== "true";
  control.setAttribute("aria-checked", String(on));
  if (busy) control.setAttribute("aria-busy", "true");
  else rested(control);
}

/** The answer has come: the next click wants the other state. */
function rested(control) {
  control.removeAttribute("aria-busy");
  control.value = control.getAttribute("aria-checked") === "true" ? "off" : "on";
}

const clicks = new WeakSet();

document.addEventListener("htmx:confirm", (event) => {
  const { elt, triggeringEvent: click } = event.detail;
  const control = switchOf(elt);
  // htmx asks again when the turn of a click has come.
  if (!control || clicks.has(click)) return;
  if (control.hasAttribute("aria-busy")) {
    event.preventDefault();
  } else {
    clicks.add(click);
    flip(control, true);
  }
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { requestConfig, shouldSwap, target } = event.detail;
  const control = shouldSwap && switchOf(requestConfig.elt);
  if (!control) return;
  rested(control);
  if (target.querySelector("[role=switch][aria-busy]")) event.detail.shouldSwap = false;
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target.contains(document.activeElement)) askedFromWithin.add(event.detail.xhr);
  const status = statusOf(event.detail.elt);
  if (status) status.replaceChildren();
});

function statusOf(element) {
  return element.closest("[data-control]")?.querySelector("[data-status]");
}

function fail(element, reason) {
  if (element.matches("[data-poll]")) return;
  const control = switchOf(element);
  if (control) flip(control, false);
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

// A search is one place to go back to, however many letters it has, and so is one that is sent again as it is.

let typed = null;

document.addEventListener("htmx:beforeHistoryUpdate", (event) => {
  const { history: update, requestConfig } = event.detail;
  const { target: field, type } = requestConfig.triggeringEvent || {};
  const address = new URL(update.path, location.href);
  const before = typed;
  const text = type === "input" && field.matches("input") ? address.searchParams.get(field.name) || "" : "";
  typed = text && { field: field.id, text, href: address.href };
  const goesOn = typed && before && before.field === typed.field && before.href === location.href
    && (text.startsWith(before.text) || before.text.startsWith(text));
  if (goesOn || address.href === location.href) update.type = "replace";
});

// What was typed while an answer was on its way is typed into what the answer brings, and searched for.

let meanwhile = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig, pathInfo } = event.detail;
  const field = document.activeElement;
  meanwhile = null;
  if (requestConfig.verb !== "get" || !field.matches("[role=search] input[type=search], [role=search] input[type=text]")) return;
  const sent = new URL(pathInfo.finalRequestPath, location.href).searchParams.get(field.name);
  if (target.contains(field) && sent !== null && sent !== field.value) {
    meanwhile = { id: field.id, value: field.value, caret: field.selectionStart };
  }
});

document.addEventListener("htmx:afterSettle", () => {
  const field = meanwhile && document.getElementById(meanwhile.id);
  if (!field) return;
  field.value = meanwhile.value;
  field.focus();
  field.setSelectionRange(meanwhile.caret, meanwhile.caret);
  meanwhile = null;
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

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
  // A whole page reads itself out.
  if (element !== document.body) for (const words of element.querySelectorAll("[data-say]")) say(words.textContent.trim());
  for (const offer of element.querySelectorAll("[data-vanish]")) vanish(offer, Number(offer.dataset.vanish));
});

// The focus goes where the news are: to what a redirect has to say, and to what has come in place of what had it.

window.addEventListener("load", () => {
  const news = document.querySelector(".notices .notice");
  // After the browser has gone to the fragment, which takes the focus away again.
  if (news && !document.querySelector("[autofocus]")) setTimeout(focusOn, 0, news);
});

function focusOn(element) {
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest" });
}

const askedFromWithin = new WeakSet();
let focusIsLost = false;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { shouldSwap, target, xhr } = event.detail;
  const active = document.activeElement;
  focusIsLost = shouldSwap && (target.contains(active) || (active === document.body && askedFromWithin.has(xhr)));
});

document.addEventListener("htmx:afterSettle", (event) => {
  const element = event.detail.elt;
  if (!focusIsLost || document.activeElement !== document.body) return;
  focusIsLost = false;
  const control = element.matches("tr") && element.querySelector("[role=switch]");
  if (control) control.focus();
  else focusOn(element);
});

// What is being done shows it, once it takes a while, and is not asked for again meanwhile.

const QUICK = 400;

function work(button) {
  if (!button || button.matches("[role=switch]")) return;
  button.setAttribute("aria-busy", "true");
  setTimeout(() => {
    if (!button.isConnected || !button.hasAttribute("aria-busy")) return;
    button.dataset.words = button.innerHTML;
    button.textContent = "Working…";
    say("Working…");
  }, QUICK);
}

function rest(button) {
  button.removeAttribute("aria-busy");
  if (button.dataset.words) button.innerHTML = button.dataset.words;
  delete button.dataset.words;
}

function restAll(within) {
  for (const button of within.querySelectorAll("button[aria-busy]:not([role=switch])")) rest(button);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (event.defaultPrevented) {
    work(event.submitter);  // htmx sends it, one at a time
  } else if (form.dataset.sent) {
    event.preventDefault();
  } else {
    form.dataset.sent = "yes";
    work(event.submitter);
  }
});

document.addEventListener("htmx:afterRequest", (event) => restAll(event.detail.elt));

// Who comes back to a page that was left by a form finds it as it was.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  restAll(document);
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
