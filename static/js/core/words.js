/** Labels of stages, phases, steps and connection states. No sentence of the server is made here.
 *
 *  stageLabel(stage | key) -> "Reading"      phaseLabel(phase) -> "Needs an answer"
 *  phaseGroup(phase) -> "needs" | "progress" | "done"      GROUPS, in the order of the page
 *  stepLabel(step) -> "malware scan"
 *  connectionWords(state, queued?) -> {sign, detail, tone, banner}
 *  railText(status, left) -> "55 percent, reading, about 40 s left"
 *  titleOf(statuses, name) -> the page's title: "2 need you · March close"
 *  problemWords(code) -> {title, hint} for what only a browser can see (offline, timeout …)
 */

import { formatClock, plural } from "./format.js";

const STAGES = {
  upload: "Upload",
  validation: "Validation",
  scanning: "Scanning",
  duplicates: "Duplicate check",
  parsing: "Reading",
  database: "Storing",
  categorization: "Categorizing",
  enrichment: "Enriching",
  export: "Export",
};

const inWords = (key) => String(key).replaceAll("_", " ");
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {{key: string, label?: string}|string|null} stage */
export function stageLabel(stage) {
  if (!stage) return "";
  if (typeof stage === "object") return stage.label || stageLabel(stage.key);
  return STAGES[stage] ?? capital(inWords(stage));
}

const PHASES = {
  waiting: "Waiting",
  running: "Running",
  paused: "Paused",
  asking: "Needs an answer",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** @param {string} phase */
export const phaseLabel = (phase) => PHASES[phase] ?? capital(inWords(phase));

/** What needs a person comes first. */
export const GROUPS = [
  { key: "needs", label: "Needs you" },
  { key: "progress", label: "In progress" },
  { key: "done", label: "Done" },
];

/** @param {string} phase */
export function phaseGroup(phase) {
  if (phase === "asking" || phase === "failed") return "needs";
  return phase === "done" || phase === "cancelled" ? "done" : "progress";
}

/** @param {string} step */
export const stepLabel = (step) => inWords(step);

/** What the progress bar says to a screen reader.
 *  @param {import("./store.js").FileStatus} status  @param {string} left  from timeLeft */
export function railText(status, left = "") {
  if (status.phase === "done") return "Done";
  const stage = status.stages.find((one) => one.key === status.job?.stage);
  const place = stageLabel(stage ?? status.job?.stage ?? null).toLowerCase();
  if (status.phase === "failed") return place ? `Failed at ${place}` : "Failed";
  const words = [`${Math.floor(status.overallProgress)} percent`];
  if (place) words.push(place);
  words.push(status.phase === "running" ? left : phaseLabel(status.phase).toLowerCase());
  return words.filter(Boolean).join(", ");
}

/** @param {import("./store.js").FileStatus[]} statuses  @param {string} name */
export function titleOf(statuses, name) {
  const needs = statuses.filter((status) => phaseGroup(status.phase) === "needs").length;
  if (needs > 0) return `${needs} ${needs === 1 ? "needs" : "need"} you · ${name}`;
  const active = statuses.filter((status) => phaseGroup(status.phase) === "progress");
  if (active.length === 0) return name;
  const sum = statuses.reduce((total, status) => total + status.overallProgress, 0);
  return `${Math.floor(sum / statuses.length)}% · ${name}`;
}

/** The sign in the header and, where one is needed, the banner. `tone` names shape and colour.
 *  @param {import("../net/client.js").ConnectionState} state  @param {number} [queued] to send
 *  @returns {{sign: string, detail: string, tone: string,
 *    banner: {text: string, action: "retry"|"signIn"|"takeOver"|null}|null}} */
export function connectionWords(state, queued = 0) {
  const say = (sign, detail, tone, text = "", action = null) => ({
    sign,
    detail,
    tone,
    banner: text ? { text, action } : null,
  });
  const known = state.since ? `What you see is from ${formatClock(state.since)}. ` : "";
  const waiting = queued ? `${plural(queued, "thing")} will be sent when it is back. ` : "";
  switch (state.name) {
    case "live":
      if (state.transport === "polling") {
        return say("Live by polling", `every ${Math.round(state.everyMs / 1000)} s`, "polling");
      }
      return say("Live", state.latencyMs === null ? "" : `${state.latencyMs} ms`, "live");
    case "reconnecting":
      return say(
        "Reconnecting",
        `try ${state.tries}, in ${Math.ceil(state.inMs / 1000)} s`,
        "reconnecting",
        `The connection is lost. ${known}Your files keep being processed. ${waiting}`.trim(),
        "retry",
      );
    case "catchingUp":
      return say(
        "Catching up",
        `${state.done} of ${state.total}`,
        "catching-up",
        state.total > 50 ? "Catching up on what happened meanwhile." : "",
      );
    case "offline":
      return say(
        "Offline",
        queued ? `${queued} to send` : "",
        "offline",
        `No connection to the server. ${known}${waiting}I keep trying.`,
        "retry",
      );
    case "signedOut":
      return say("Signed out", "", "signed-out", "You are signed out. Nothing is lost.", "signIn");
    case "tooMany":
      return say(
        "Not live",
        "",
        "too-many",
        "Too many pages are open at once, so this one refreshes every 10 s.",
        "takeOver",
      );
    default:
      return say("Connecting", "", "connecting");
  }
}

const PROBLEMS = {
  offline: ["The server can not be reached", "Check the connection; I try again when it is back."],
  timeout: ["The server did not answer in time", "Try again in a moment."],
  upload_cut: ["The upload broke off", "Send it again."],
  cancelled: ["You stopped the upload", "Send it again whenever you like."],
  bad_answer: ["The server gave an answer I do not understand", "Reload the page and try again."],
};

/** @param {string} code */
export function problemWords(code) {
  const [title, hint] = PROBLEMS[code] ?? ["That did not work", "Try again in a moment."];
  return { title, hint };
}
