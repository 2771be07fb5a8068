/** One file as a card: its name, how far it is, what is said, and what to do when it failed. */

import { formatBytes, timeLeft } from "../format.js";
import { createBar, h } from "./base.js";

/** @type {Record<import("../jobs.js").Phase, string>} */
export const PHASE_WORDS = {
  waiting: "Waiting",
  running: "In progress",
  paused: "Paused",
  asking: "Needs an answer",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** @param {string} fileId */
export function createCard(fileId) {
  const name = h("span", { class: "name", part: "name" });
  const phase = h("span", { class: "dim", part: "state" });
  const message = h("p", { part: "message" });
  const facts = h("small", { part: "facts" });
  const problem = h("p", { class: "bad", part: "error" });
  const { bar, update: fill } = createBar();
  const card = h(
    "div",
    { class: "card", part: "card", "data-file": fileId },
    h("div", { class: "head" }, name, phase),
    bar,
    message,
    problem,
    facts,
  );
  return {
    card,
    /** @param {import("../store.js").FileStatus} file */
    update(file) {
      card.dataset.phase = file.phase;
      name.textContent = file.filename ?? "";
      phase.textContent = PHASE_WORDS[file.phase];
      message.textContent = file.message;
      const error = file.job?.error;
      problem.textContent = error ? `${error.detail} ${error.hint}` : "";
      const size = file.job ? formatBytes(file.job.size) : "";
      facts.textContent = [size, timeLeft(file, Date.now())].filter(Boolean).join(", ");
      fill(file, file.filename);
    },
  };
}

/** Cards in a container, one a file, in their order; a card stays the same element.
 *  @param {HTMLElement} container */
export function createCards(container) {
  /** @type {Map<string, ReturnType<typeof createCard>>} */
  const cards = new Map();
  /** @param {import("../store.js").FileStatus[]} files */
  return (files) => {
    const there = new Set(files.map((file) => file.fileId));
    for (const [id, { card }] of cards) {
      if (!there.has(id)) {
        card.remove();
        cards.delete(id);
      }
    }
    for (const file of files) {
      let one = cards.get(file.fileId);
      if (!one) {
        one = createCard(file.fileId);
        cards.set(file.fileId, one);
        container.append(one.card);
      }
      one.update(file);
    }
  };
}

/** Tells what a screen reader should hear: beginnings, ends and questions, never every percent.
 *  @param {HTMLElement} place  a live region */
export function createAnnouncer(place) {
  /** @type {Map<string, string>} */
  const known = new Map();
  /** @param {import("../store.js").FileStatus[]} files */
  return (files) => {
    const said = [];
    for (const { fileId, phase, filename, message } of files) {
      const before = known.get(fileId);
      known.set(fileId, phase);
      if (before !== undefined && before !== phase && phase !== "waiting") {
        said.push(`${filename}: ${PHASE_WORDS[phase]}. ${message}`);
      }
    }
    if (said.length > 0) place.textContent = said.join(" ");
  };
}
