/** Cards with the questions of a job; loaded when a job waits for an answer.
 *
 *  createQuestions(api) -> {paint(jobId, ids, host)}
 *    ids    what the job waits for; cards of others go
 *    host   cards are put at its end; those that the server rendered there are taken over
 *
 *  A card is never focused by itself. 1-9 choose within it, Ctrl+Enter sends.
 *  app/web/questionview.py says the same in the server's pages.
 */

import { el, setHidden, setText, setVar } from "../core/dom.js";
import { tell, toast } from "./shell.js";

const DAY = { dateStyle: "medium", timeStyle: "short" };
const PICTURE_DPI = 110;
const POINTS = PICTURE_DPI / 72;
const MARGIN = 14;
const INPUTS = { password: "password", header_row: "number" };
const FREE_TOO = new Set(["field", "header_row"]);
const LABELS = {
  password: "Password",
  header_row: "Line number",
  field: "As it should be; empty if it is not there",
};

export function createQuestions(api) {
  /** Cards by their question. @type {Map<string, HTMLFormElement>} */
  const cards = new Map();
  /** How often each job was asked about. @type {Map<string, number>} */
  const asked = new Map();

  async function paint(jobId, ids, host) {
    for (const card of host.querySelectorAll("form.ask")) {
      const id = card.dataset.question;
      if (!cards.has(id)) cards.set(id, bind(card));
      if (!ids.includes(id)) drop(id);
    }
    if (ids.every((id) => cards.has(id))) return;
    const mine = (asked.get(jobId) ?? 0) + 1;
    asked.set(jobId, mine);
    const found = await api.get(`/clarifications?job_id=${jobId}&state=open`).catch(tell);
    if (!found || mine !== asked.get(jobId)) return;
    for (const one of [...found.clarifications].reverse()) {
      const id = one.clarification_id;
      if (!ids.includes(id) || cards.has(id)) continue;
      const card = bind(cardOf(one));
      cards.set(id, card);
      host.append(card);
    }
  }

  function drop(id) {
    const card = cards.get(id);
    if (!card) return; // the event of the answer was quicker
    setHidden(card, true, card.closest("li, section")?.querySelector(".name a, h1"));
    card.remove();
    cards.delete(id);
  }

  /** @param {HTMLFormElement} card */
  function bind(card) {
    const crop = card.querySelector(".crop");
    if (crop) fit(crop);
    card.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      send(card);
    });
    const free = card.querySelector("input[name=free]");
    free?.addEventListener("input", () => {
      const other = card.querySelector("input[value=free]");
      if (other) other.checked = true;
    });
    card.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) card.requestSubmit();
      if (event.target.matches("input:not([type=radio], [type=checkbox])")) return;
      const choice = card.querySelectorAll("input[type=radio]")[Number(event.key) - 1];
      if (!choice || event.ctrlKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      choice.checked = true;
      choice.focus();
    });
    return card;
  }

  /** @param {HTMLFormElement} card */
  async function send(card) {
    const given = new FormData(card);
    const button = card.querySelector("button");
    if (button.getAttribute("aria-busy") === "true") return;
    const free = card.querySelector("input[name=free]");
    let answer = given.get("answer");
    if (answer === null || answer === "free") answer = given.get("free");
    if (card.dataset.kind === "header_row") answer = Number(answer);
    if (answer === "" && card.dataset.kind === "field") answer = null;
    if (answer === null && card.dataset.kind !== "field") {
      (free ?? card.querySelector("input")).focus();
      return;
    }
    button.setAttribute("aria-busy", "true");
    const { question } = card.dataset;
    try {
      const use_for_batch = given.has("use_for_batch");
      const done = await api.post(`/clarifications/${question}/answer`, { answer, use_for_batch });
      const others = done.also_answered.length;
      if (others) toast(`Answered here and for ${others} more ${others === 1 ? "file" : "files"}`);
      drop(question);
    } catch (problem) {
      tell(problem);
      if (problem.status === 409 || problem.status === 404) drop(question);
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  return { paint };
}

/** @param {Record<string, any>} one  as the API tells a question */
export function cardOf(one) {
  const { clarification_id: id, kind, evidence } = one;
  const { options, then, shareable, ...free } = cardFacts(one);
  return el(
    "form",
    {
      class: "more ask",
      method: "post",
      action: `/clarifications/${id}/answer`,
      data: { question: id, kind },
    },
    el(
      "fieldset",
      {},
      el(
        "legend",
        { class: "q" },
        el("i", { class: "ic i-ask", aria: { hidden: true } }),
        el("span", {}, one.question),
      ),
      one.why && el("p", { class: "why" }, one.why),
      evidence.bbox && crop(one),
      options.length > 0 && el("div", { class: "opts" }, options.map(option)),
      free.free && freeField(free, kind, evidence),
    ),
    shareable &&
      el(
        "label",
        { class: "check" },
        el("input", { type: "checkbox", name: "use_for_batch" }),
        "Use this for the other files of this batch too",
      ),
    el(
      "div",
      { class: "btns" },
      el("button", { class: "btn primary" }, "Answer"),
      el("span", { class: "sm dim" }, `Until ${new Date(one.expires_at).toLocaleString("en-GB", DAY)}; ${then}`),
    ),
  );
}

/** What a card shows, app/web/questionview.py's twin. Pure.
 *  @param {Record<string, any>} one  as the API tells a question */
export function cardFacts({ kind, choices, suggested, default: safe, batch_id: batch }) {
  const options = choices.map((choice) => ({ ...choice, checked: choice.value === suggested }));
  const isFree = !options.length || FREE_TOO.has(kind);
  const typed = options.length || kind === "password" ? "" : String(suggested ?? "");
  if (options.length && isFree) options.push({ value: "free", label: "Something else", hint: "", checked: false });
  const fails = safe === null && kind !== "field";
  return {
    options,
    free: isFree ? (LABELS[kind] ?? "Your answer") : "",
    input_type: INPUTS[kind] ?? "text",
    typed,
    then: fails ? "without an answer the file is set aside" : `then I take “${takenWords(kind, safe, choices)}”`,
    shareable: batch !== null && kind !== "field",
  };
}

/** An answer as a person reads it; a secret is never a safe one. */
function takenWords(kind, answer, choices) {
  if (answer === null) return "it is not there";
  if (kind === "header_row") return answer ? `line ${answer}` : "no line";
  return choices.find(({ value }) => value === answer)?.label ?? String(answer);
}

function option({ value, label, hint, checked }, at) {
  return el(
    "label",
    { class: "opt" },
    el("input", { type: "radio", name: "answer", value, checked }),
    el("span", {}, el("b", {}, label), hint && el("small", {}, hint)),
    el("kbd", {}, String(at + 1)),
  );
}

function freeField({ free, input_type: type, typed: value }, kind, { last_line: last }) {
  const lines = kind === "header_row" ? { min: 0, max: last } : {};
  const input = el("input", { class: "inp", name: "free", type, autocomplete: "off", value, ...lines });
  return el("label", { class: "field free" }, free, input);
}

/** A cut of the page's picture, around what the question is about. */
function crop({ job_id: jobId, evidence: { page, bbox } }) {
  const box = el("div", { class: "crop", data: { box: bbox.join(" ") } });
  box.append(
    el("img", {
      src: `/api/v1/jobs/${jobId}/pages/${page}.png`,
      alt: `Where it stands on page ${page}`,
    }),
  );
  return box;
}

/** @param {HTMLElement} box */
function fit(box) {
  const [x0, y0, x1, y1] = box.dataset.box.split(" ").map((edge) => Number(edge) * POINTS);
  setVar(box, "--cx", `${-(x0 - MARGIN * 4)}px`);
  setVar(box, "--cy", `${-(y0 - MARGIN)}px`);
  setVar(box, "--cw", `${Math.max(220, x1 - x0 + MARGIN * 8)}px`);
  setVar(box, "--ch", `${y1 - y0 + MARGIN * 2}px`);
  const picture = box.firstElementChild;
  picture.addEventListener("error", () => (box.hidden = true));
}
