/** The stages of one job, with how long each took, on one time axis.
 *
 *  createStageList(list) -> {paint(items)}      items: stageItems of job-view.js
 */

import { el, setAttr, setText, setVar } from "../core/dom.js";

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
    /** @param {ReturnType<typeof import("./job-view.js").stageItems>} items */
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
