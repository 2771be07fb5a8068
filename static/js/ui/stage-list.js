/** The stages of one job, with how long each took, on one time axis; and its events.
 *
 *  createStageList(list) -> {paint(items)}
 *  stageItems(job, nowMs) -> [{key, label, state, duration, note, start, length}]   pure
 *  createRawLog(list) -> {add(event)}       events as the log has them, newest first
 *  elapsed(job, nowMs) -> "took 12.4 s"                                             pure
 *
 *  @typedef {import("../../sdk/fold.js").JobState} JobState
 */

import { el, setAttr, setText, setVar } from "../core/dom.js";
import { formatClock, formatDuration } from "../../sdk/format.js";

/** @param {HTMLElement} list  an ol rendered by the server, one li[data-key] a stage */
export function createStageList(list) {
  /** @type {Map<string, any>} */
  const known = new Map();
  for (const node of list.children) known.set(node.dataset.key, bind(node));

  function bind(node) {
    const [icon, label, duration, note, track, word] = node.children;
    return { node, icon, label, duration, note, bar: track.firstElementChild, word };
  }

  function make(item) {
    const node = el(
      "li",
      { data: { key: item.key } },
      el("i", { class: "ic", aria: { hidden: true } }),
      el("b", {}, item.label),
      el("span", { class: "dur" }),
      el("span", { class: "note" }),
      el("span", { class: "wf" }, el("i")),
      el("span", { class: "vh" }),
    );
    list.append(node);
    const stage = bind(node);
    known.set(item.key, stage);
    return stage;
  }

  return {
    /** @param {ReturnType<typeof stageItems>} items */
    paint(items) {
      for (const item of items) {
        const stage = known.get(item.key) ?? make(item);
        setAttr(stage.node, "data-s", item.state);
        setAttr(stage.node, "aria-current", item.state === "running" ? "step" : null);
        setText(stage.duration, item.duration);
        setText(stage.note, item.note);
        setText(stage.word, item.state);
        setVar(stage.bar, "--a", `${item.start}%`);
        setVar(stage.bar, "--b", `${item.length}%`);
      }
    },
  };
}

/** @param {JobState} job  @param {number} nowMs */
export function stageItems(job, nowMs) {
  const at = (iso) => (iso ? Date.parse(iso) : null);
  const starts = job.stages.map((one) => at(one.started_at)).filter((ms) => ms !== null);
  const first = Math.min(...starts);
  const ends = job.stages.map((one) => at(one.ended_at)).filter((ms) => ms !== null);
  const running = job.stages.some((one) => one.state === "running");
  const last = Math.max(running ? nowMs : 0, ...ends, first + 1);
  return job.stages.map((one) => {
    const start = at(one.started_at);
    const length = start === null ? 0 : Math.max(0, (at(one.ended_at) ?? nowMs) - start);
    return {
      key: one.key,
      label: one.label,
      state: one.state,
      duration: start === null ? "" : formatDuration(length),
      note: one.summary,
      start: start === null ? 0 : Math.round(((start - first) / (last - first)) * 1000) / 10,
      length: starts.length ? Math.round((length / (last - first)) * 1000) / 10 : 0,
    };
  });
}

/** @param {JobState} job  @param {number} nowMs */
export function elapsed(job, nowMs) {
  if (job.completed_at && job.duration_ms !== null) return `took ${formatDuration(job.duration_ms)}`;
  if (job.started_at && job.status === "processing") {
    return `running for ${formatDuration(Math.max(0, nowMs - Date.parse(job.started_at)))}`;
  }
  return "";
}

const RAW_KEPT = 500;

/** @param {HTMLElement} list */
export function createRawLog(list) {
  /** @type {any[]} */
  let waiting = [];
  const line = (event) =>
    el(
      "li",
      {},
      el("span", { class: "num" }, event.n),
      el("time", { datetime: event.timestamp }, clockWithMillis(event.timestamp)),
      el("span", {}, event.type),
      el("span", {}, event.stage ?? ""),
      el("span", { class: "num" }, event.progress),
    );
  return {
    add(event) {
      waiting.push(event);
      if (waiting.length > 1) return;
      requestAnimationFrame(() => {
        list.prepend(...waiting.slice(-RAW_KEPT).reverse().map(line));
        waiting = [];
        while (list.children.length > RAW_KEPT) list.lastElementChild.remove();
      });
    },
  };
}

/** @param {string} iso */
const clockWithMillis = (iso) => `${formatClock(iso, { seconds: true })}.${iso.slice(20, 23)}`;
