/** The frame of every page: theme, menu, keyboard, toasts, forms that do not leave the page.
 *
 *  createShell({keys?})
 *    keys            {"u": fn, "g f": fn, ...}   run outside fields only, and only when not turned off
 *  toast(text, {action?, run?, alert?})          at the bottom for 8 s; pointing at it holds it
 *  localise(root)                                UTC times as rendered -> the reader's own clock
 *  tell(problem)                                 a toast of a ProblemError
 *  onForms(root, handlers)                       {"/cancel": (form, path) => promise} by the end of
 *                                                a form's address, "/" for others that steer; what
 *                                                fails is told
 *  submit(form)                                  as its button would, where there is one to see; true
 *                                                when there was
 *  share(api)                                    the handler of "/share": makes a link and shows it
 *  choose(list, step)                            focus the next (1) or previous (-1) of `list`
 *  later(name, make?) -> () => promise           what few need: ui/<name>.js, and what `make` makes
 *                                                of it, once; rejects with the problem "offline"
 */

import { el } from "../core/dom.js";
import { ownProblem } from "../../sdk/api.js";
import { formatClock } from "../../sdk/format.js";

const TOAST_MS = 8000;
const KEYS_OFF = "livetrail.keys";
const CHORD_MS = 1200;
/** Forms whose addresses are those of the API, too. */
const STEERS = /^\/(jobs|batches|clarifications)\/[^/]+\/\w+$|^\/samples$/;
const YEAR_S = 365 * 24 * 3600;
/** "27 Nov 2026, 14:05" */
const DAY = { dateStyle: "medium", timeStyle: "short" };

/** localStorage, where the browser allows it. */
export const memory = {
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      /* private windows may refuse; then it is forgotten with the page */
    }
  },
};

export function createShell({ keys = {} } = {}) {
  theme();
  localise(document);
  const dialog = document.getElementById("keys");
  const off = document.getElementById("keys-off");
  if (off) {
    off.checked = memory.get(KEYS_OFF) === "off";
    off.addEventListener("change", () => memory.set(KEYS_OFF, off.checked ? "off" : "on"));
  }
  const showKeys = () => {
    document.getElementById("menu")?.hidePopover?.();
    dialog?.showModal();
  };
  document.querySelector('[data-do="keys"]')?.addEventListener("click", showKeys);
  listen({ "?": showKeys, "g f": () => go("/"), "g o": () => go("/operations"), "g r": () => go("/rules"), "g a": () => go("/account"), ...keys }, () => off?.checked);
  for (const box of document.querySelectorAll(".confirm")) {
    box.addEventListener("keydown", (event) => event.key === "Escape" && shut(box));
    box.querySelector('[data-do="close"]')?.addEventListener("click", () => shut(box));
  }
  document.addEventListener("click", ({ target }) => {
    const button = target.closest('[data-do="copy"]');
    if (!button) return;
    button.parentElement.querySelector("input").select();
    // the newer way is not there where the page came over plain HTTP
    document.execCommand("copy");
    toast("Copied");
  });
}

/** Where a link of this page leads; there is none to what is not for this reader. */
const go = (path) => document.querySelector(`a[href="${path}"]`)?.click();

function shut(details) {
  details.open = false;
  details.querySelector("summary").focus();
}

function theme() {
  const box = document.getElementById("theme");
  box?.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const wanted = button.value;
    // a cookie, so that the server renders it and the next page does not flash
    document.cookie = `livetrail_theme=${wanted}; path=/; max-age=${wanted ? YEAR_S : 0}; samesite=lax`;
    if (wanted) document.documentElement.dataset.theme = wanted;
    else delete document.documentElement.dataset.theme;
    for (const one of box.children) one.setAttribute("aria-pressed", String(one === button));
  });
}

/** @param {ParentNode} root */
export function localise(root) {
  for (const node of root.querySelectorAll("time[datetime]")) {
    const iso = node.getAttribute("datetime");
    if (!iso) continue;
    const millis = node.hasAttribute("data-millis");
    const clock = formatClock(iso, { seconds: millis || node.hasAttribute("data-seconds") });
    node.textContent = millis ? clock + iso.slice(19, 23) : clock;
    if (node.hasAttribute("data-date")) node.textContent = new Date(iso).toLocaleString("en-GB", DAY);
    node.title = iso.replace("T", " ").replace(/\.\d+Z$/, " UTC");
  }
}

const typing = (node) => node.closest?.("input, textarea, select, [contenteditable], dialog[open]");

/** @param {Record<string, (event: KeyboardEvent) => void>} keys  @param {() => boolean} isOff */
function listen(keys, isOff) {
  const starts = new Set(Object.keys(keys).filter((key) => key.includes(" ")).map((key) => key[0]));
  let first = "";
  let at = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) || isOff()) return;
    const recent = first && event.timeStamp - at < CHORD_MS ? `${first} ` : "";
    const run = keys[recent + event.key] ?? keys[event.key];
    first = starts.has(event.key) && !recent ? event.key : "";
    at = event.timeStamp;
    if (!run) return;
    event.preventDefault();
    run(event);
  });
}

/** @param {HTMLElement[]} list  @param {1|-1} step */
export function choose(list, step) {
  if (list.length === 0) return;
  const holder = list.findIndex((one) => one.closest("li")?.contains(document.activeElement));
  const next = holder < 0 ? (step > 0 ? 0 : list.length - 1) : holder + step;
  const node = list[Math.min(list.length - 1, Math.max(0, next))];
  node.focus();
  node.scrollIntoView({ block: "nearest" });
}

let shown = null;

export function toast(text, { action = "", run = () => {}, alert = false } = {}) {
  shown?.remove();
  const say = alert ? "alert" : "status";
  const node = el("div", { class: "toast", role: say }, el("span", {}, text));
  const close = () => {
    clearTimeout(clock);
    node.remove();
  };
  if (action) {
    node.append(
      el("button", { class: "btn", type: "button", on: { click: () => (close(), run()) } }, action),
    );
  }
  const cross = el("i", { class: "ic i-x", aria: { hidden: true } });
  node.append(
    el("button", { class: "btn icon quiet", type: "button", aria: { label: "Close" }, on: { click: close } }, cross),
  );
  let clock = setTimeout(close, TOAST_MS);
  node.addEventListener("pointerenter", () => clearTimeout(clock));
  node.addEventListener("focusin", () => clearTimeout(clock));
  node.addEventListener("pointerleave", () => (clock = setTimeout(close, TOAST_MS)));
  document.body.append(node);
  shown = node;
}

/** Say what the server refused; anything else is a fault of the script's own. */
export function tell(problem) {
  if (!problem.title) throw problem;
  toast(`${problem.title}. ${problem.hint}`, { alert: true });
}

/** @param {Element} root  @param {Record<string, (form: HTMLFormElement, path: string) => Promise<any>>} handlers */
export function onForms(root, handlers) {
  root.addEventListener("submit", async (event) => {
    const form = event.target;
    const path = new URL(form.action, location.href).pathname;
    const run = handlers[path.slice(path.lastIndexOf("/"))] ?? (STEERS.test(path) && handlers["/"]);
    if (!run || form.method !== "post") return;
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      await run(form, path);
    } catch (problem) {
      tell(problem);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

/** What did not come is asked for again the next time it is needed, and under another address: a
 *  browser may remember that it failed.
 *  @template T  @param {string} name  @param {(its: any) => T} [make]
 *  @returns {() => Promise<T>} */
export function later(name, make = (its) => its) {
  let made = null;
  let failed = 0;
  return () =>
    (made ??= import(`./${name}.js${failed ? `?${failed}` : ""}`).then(make, () => {
      made = null;
      failed += 1;
      throw ownProblem("offline");
    }));
}

/** @param {HTMLFormElement|null|undefined} form */
export const submit = (form) => Boolean(form && !form.hidden) && (form.requestSubmit(), true);

/** @param {ReturnType<typeof import("../../sdk/api.js").createApi>} api */
export const share = (api) => async (form) => {
  const { room, hours } = Object.fromEntries(new FormData(form));
  const expires_at = new Date(Date.now() + hours * 3_600_000);
  const { url } = await api.post("/shares", { room, expires_at });
  const made = form.nextElementSibling;
  const field = made.querySelector("input");
  form.hidden = true;
  made.hidden = false;
  field.value = url;
  field.select();
};
