/** What tells how current the page is: the sign in the top bar, its banner, and the announcer.
 *
 *  createSigns(clientOf) -> {show(state)}       state: ConnectionState of sdk/client.js
 *     clientOf  () => the page's client, which is made after its signs
 *  createAnnouncer({pauseMs?}) -> {say(text, {key?}), alert(text)}
 *     say: at most one sentence per pause; several of one key become "3 files done"
 */

import { el, setAttr, setText, setVar } from "../core/dom.js";
import { connectionWords } from "../../sdk/words.js";

const BANNER_AFTER_MS = 3000;
const PAUSE_MS = 5000;
const OFFER_MS = 200;
const TAKE_MS = 800;
const LOOKS = {
  reconnecting: ["warn", "retry"],
  "catching-up": ["acc", "right"],
  offline: ["bad", "off"],
  "signed-out": ["bad", "lock"],
  "too-many": ["warn", "alert"],
};
const ACTIONS = { retry: "Try now", signIn: "Sign in", takeOver: "Make this one live" };

export function createSigns(clientOf) {
  const sign = document.getElementById("conn");
  const [word, detail] = [sign.querySelector("[data-part=sign]"), sign.querySelector("[data-part=detail]")];
  const lead = el("b");
  const rest = el("span");
  const icon = el("i", { class: "ic", aria: { hidden: true } });
  const fill = el("i", { data: { s: "running" } });
  const rail = el("div", { class: "rail", hidden: true }, fill);
  const button = el("button", { class: "btn", type: "button" });
  const banner = el("div", { class: "banner", hidden: true }, icon, el("p", {}, lead, rest), rail, button);
  document.getElementById("banners").append(banner);
  let action = null;
  let later = 0;
  let ticking = 0;
  button.addEventListener("click", () => {
    if (action === "signIn") location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
    else if (action === "takeOver") takeOver();
    else clientOf().retryNow();
  });

  // "place?" asks, [id] offers one, id takes it: one page of this browser goes on as one too many
  const others = new BroadcastChannel("livetrail");
  const here = Math.random();
  let asking = false;
  others.onmessage = ({ data }) => {
    const offer = () => others.postMessage([here]);
    if (data === here) clientOf().giveWay();
    else if (asking && data[0] > 0) {
      asking = false;
      others.postMessage(data[0]);
    } else if (data === "place?" && clientOf().state.transport === "websocket") {
      // pages that nobody looks at come first
      if (document.hidden) offer();
      else setTimeout(offer, OFFER_MS);
    }
  };

  function takeOver() {
    asking = true;
    others.postMessage("place?");
    setTimeout(() => {
      asking = false;
      clientOf().retryNow();
    }, TAKE_MS);
  }

  /** @param {import("../../sdk/types.js").ConnectionState} state */
  function show(state) {
    clearInterval(ticking);
    // a guest can not sign in again: the server says what became of the link
    if (state.name === "signedOut" && document.querySelector(".shared")) location.reload();
    if (state.name === "reconnecting") countDown(state, performance.now() + state.inMs);
    else paint(state);
  }

  function countDown(state, end) {
    const tick = () => paint({ ...state, inMs: Math.max(0, end - performance.now()) });
    tick();
    ticking = setInterval(tick, 1000);
  }

  function paint(state) {
    const words = connectionWords(state);
    setAttr(sign, "data-s", words.tone);
    setText(word, words.sign);
    setText(detail, words.detail);
    const current = state.name === "live" || state.name === "catchingUp";
    if (state.name !== "connecting") setAttr(document.documentElement, "data-stale", !current);
    explain(words, state);
  }

  function explain(words, state) {
    if (!words.banner) {
      // a try in between does not blink the banner away
      if (state.name === "connecting" && !banner.hidden) return;
      clearTimeout(later);
      later = 0;
      banner.hidden = true;
      return;
    }
    const [look, image] = LOOKS[words.tone] ?? LOOKS.offline;
    setAttr(banner, "class", `banner ${look}`);
    setAttr(icon, "class", `ic i-${image}`);
    const end = words.banner.text.indexOf(". ") + 1;
    setText(lead, words.banner.text.slice(0, end));
    setText(rest, words.banner.text.slice(end));
    rail.hidden = state.name !== "catchingUp";
    if (!rail.hidden) setVar(fill, "--p", `${(state.done / Math.max(1, state.total)) * 100}%`);
    action = words.banner.action;
    button.hidden = !action;
    setText(button, ACTIONS[action] ?? "");
    if (state.name !== "reconnecting" || state.tries > 2) banner.hidden = false;
    else if (!later) later = setTimeout(() => (banner.hidden = false), BANNER_AFTER_MS);
  }

  return { show };
}

const MERGED = {
  done: (count) => `${count} files done`,
  failed: (count) => `${count} files failed and need you`,
  started: (count) => `${count} files started`,
};

export function createAnnouncer({ pauseMs = PAUSE_MS } = {}) {
  const polite = document.getElementById("announce");
  const loud = document.getElementById("alert");
  /** @type {Map<string, string[]>} */
  const waiting = new Map();
  let quiet = 0;

  function speak() {
    quiet = 0;
    const [key, texts] = waiting.entries().next().value ?? [];
    if (!texts) return;
    waiting.delete(key);
    polite.textContent = texts.length > 1 && MERGED[key] ? MERGED[key](texts.length) : texts.at(-1);
    quiet = setTimeout(speak, pauseMs);
  }

  return {
    say(text, { key = text } = {}) {
      waiting.set(key, [...(waiting.get(key) ?? []), text]);
      if (!quiet) quiet = setTimeout(speak, 0);
    },
    alert(text) {
      loud.textContent = text;
    },
  };
}
