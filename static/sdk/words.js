/** Words for connection states and problems. Sentences about a file are the server's.
 *
 *  connectionWords(state, queued?) -> {sign, detail, tone, banner}
 *  problemWords(code) -> {title, hint} for what only a browser can see (offline, timeout …)
 */

import { formatClock, plural } from "./format.js";

/** The sign in the header and, where one is needed, the banner. `tone` names shape and colour.
 *  @param {import("./types.js").ConnectionState} state  @param {number} [queued] to send
 *  @returns {{sign: string, detail: string, tone: string,
 *    banner: {text: string, action: "retry"|"signIn"|"takeOver"|null}|null}} */
export function connectionWords(state, queued = 0) {
  /** @param {string} sign  @param {string} detail  @param {string} tone  @param {string} [text]
   *  @param {"retry"|"signIn"|"takeOver"|null} [action] */
  const say = (sign, detail, tone, text = "", action = null) => ({
    sign,
    detail,
    tone,
    banner: text ? { text, action } : null,
  });
  const known = "since" in state && state.since ? `What you see is from ${formatClock(state.since)}. ` : "";
  const waiting = queued ? `${plural(queued, "thing")} will be sent when it is back. ` : "";
  switch (state.name) {
    case "live":
      if (state.transport === "polling") {
        return say("Live by polling", `every ${Math.round((state.everyMs ?? 0) / 1000)} s`, "polling");
      }
      if (state.transport === "sse") return say("Live", "by event stream", "live");
      return say("Live", state.latencyMs === null ? "" : `${state.latencyMs} ms`, "live");
    case "reconnecting":
      return say(
        "Reconnecting",
        `try ${state.tries}, in ${Math.ceil(state.inMs / 1000)} s`,
        "reconnecting",
        `The connection is lost. ${known}Nothing is lost: I go on here once the server answers. ${waiting}`.trim(),
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

/** @type {Record<string, [title: string, hint: string]>} */
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
