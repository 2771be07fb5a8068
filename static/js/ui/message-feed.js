/** The messages, newest first. A step that reports again rewrites its own line; nothing jumps.
 *
 *  createFeed({list, empty?, names?, pause?}) -> feed
 *    list    the ol;  empty: shown while there is nothing;  pause: the button that holds it still
 *    names   true: each line says which file
 *  feed.add(event, filename)     painted with the next frame, in a storm four times a second
 *  feed.heading(label)           a stage begins
 */

import { el, setText } from "../core/dom.js";
import { formatClock } from "../../sdk/format.js";

const LINES_KEPT = 120;
const OPEN_KEPT = 2000;
const PAUSE_MS = 250; // nobody reads faster, and each paint is a layout
const KINDS = {
  processing_completed: "good",
  processing_failed: "bad",
  processing_warning: "warn",
  clarification_requested: "warn",
};
const UNDER_WAY = new Set([
  "step_started",
  "processing_progress",
  "zone_processing",
  "zone_completed",
  "step_completed",
]);
const DUPLICATE_STEPS = new Set([
  "duplicate_found",
  "near_duplicate_found",
  "content_duplicate_found",
  "delta_analysis_complete",
]);

/** What found no duplicate is not marked as one. */
function kindOf(event) {
  const found = DUPLICATE_STEPS.has(event.step) && event.details?.existing_rows !== 0;
  return KINDS[event.type] ?? (found ? "dup" : "");
}

export function createFeed({ list, empty = null, names = false, pause = null }) {
  /** Lines that may still be rewritten, by job and step. @type {Map<string, any>} */
  const open = new Map();
  /** The last words on each job, which are not said again. @type {Map<string, string>} */
  const said = new Map();
  /** @type {any[]} newest last */
  let waiting = [];
  let asked = false;
  let painted = 0;
  let held = false;
  const more = el("button", { class: "btn", type: "button", on: { click: showAll } });
  const newer = el("div", { class: "newer", hidden: true }, more);
  list.before(newer);
  let unseen = 0;

  function ask() {
    if (asked || held) return;
    asked = true;
    const rest = painted + PAUSE_MS - performance.now();
    if (rest <= 0) requestAnimationFrame(paint);
    else setTimeout(() => requestAnimationFrame(paint), rest);
  }

  function add(event, filename = "") {
    if (!event.message) return;
    const key = `${event.job_id} ${event.step}`;
    const line = open.get(key);
    if (said.get(event.job_id) === event.message) return;
    said.set(event.job_id, event.message);
    const kind = kindOf(event);
    if (line && UNDER_WAY.has(event.type)) {
      line.text = event.message;
      line.at = event.timestamp;
      if (line.node) waiting.push(line);
      ask();
      return;
    }
    const fresh = { text: event.message, at: event.timestamp, who: names ? filename : "", kind };
    if (UNDER_WAY.has(event.type)) open.set(key, fresh);
    else open.delete(key);
    if (open.size > OPEN_KEPT) open.delete(open.keys().next().value);
    waiting.push(fresh);
    ask();
  }

  function heading(label) {
    waiting.push({ heading: label });
    ask();
  }

  function paint() {
    asked = false;
    painted = performance.now();
    const away = list.scrollTop > 40;
    const height = away ? list.scrollHeight : 0;
    let added = 0;
    for (const line of waiting.slice(-LINES_KEPT)) {
      if (line.node) {
        setText(line.words, line.text);
        setText(line.time, formatClock(line.at, { seconds: true }));
      } else {
        put(make(line), Boolean(line.heading));
        added += 1;
      }
    }
    waiting = [];
    if (added === 0) return;
    if (empty) empty.hidden = true;
    while (list.children.length > LINES_KEPT) list.lastElementChild.remove();
    if (!away) return;
    list.scrollTop += list.scrollHeight - height;
    unseen += added;
    setText(more, `${unseen} new`);
    newer.hidden = false;
  }

  /** On top; under its stage's heading where there is one. */
  function put(node, isHeading) {
    const top = list.firstElementChild;
    const below = !isHeading && top?.hasAttribute("data-stage");
    list.insertBefore(node, below ? top.nextElementSibling : top);
  }

  function make(line) {
    if (line.heading) {
      line.node = el("li", { data: { stage: true } }, el("span", { class: "st-h" }, el("span", {}, line.heading)));
      return line.node;
    }
    line.time = el("time", { datetime: line.at }, formatClock(line.at, { seconds: true }));
    line.words = el("span", { class: "x" }, line.text);
    const who = line.who ? el("span", { class: "who" }, line.who) : null;
    line.node = el("li", { data: { k: line.kind || null } }, line.time, el("div", {}, line.words, who));
    return line.node;
  }

  function showAll() {
    unseen = 0;
    newer.hidden = true;
    list.scrollTop = 0;
  }

  list.addEventListener("scroll", () => list.scrollTop <= 40 && unseen > 0 && showAll(), {
    passive: true,
  });
  pause?.addEventListener("click", () => {
    held = !held;
    pause.setAttribute("aria-pressed", String(held));
    pause.setAttribute("aria-label", held ? "Go on with messages" : "Pause messages");
    pause.firstElementChild.className = held ? "ic i-play" : "ic i-pause";
    if (!held) ask();
  });

  return { add, heading };
}
