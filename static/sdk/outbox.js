/** What is to be sent, kept while there is no connection; loaded when something is.
 *
 *  createOutbox({transmit, timers, now, gapMs?, newKey?}) -> outbox
 *    gapMs()       how long after one message the next may follow: what the server takes
 *  outbox
 *    send(message) -> promise of the server's `ok`; rejects with the ProblemError it answered with,
 *                  "outbox_full" when KEPT wait already, "stopped" after abandon()
 *    begin()       there is a connection: send what waits, one after the other
 *    halt()        it is gone: what was not answered is sent again on the next one
 *    again()       the server takes no more just now: the same once more
 *    settle(answer) -> boolean    an `ok` or `error`; whether it was for one of ours
 *    abandon()     nothing is sent any more
 *
 *  Each message is sent until it is answered: where an answer was lost, the server hears it twice.
 *  Over HTTP it knows it by its key; over a socket a second "cancel" is refused as a conflict.
 *
 *  @typedef {{op: "pause"|"resume"|"cancel"|"retry", job_id: string}
 *    | {op: "answer", clarification_id: string, answer: any, use_for_batch?: boolean}} Outgoing
 *  @typedef {{message: Outgoing, id: string, resolve: (answer: {type: string}) => void,
 *    reject: (problem: ProblemError) => void}} Entry
 *  @typedef {ReturnType<typeof createOutbox>} Outbox
 */

import { ProblemError, randomKey } from "./api.js";

export const KEPT = 100;
const FULL = {
  code: "outbox_full",
  title: "Too much waits to be sent already",
  hint: "Do it again once the server answers.",
  status: 0,
};
const STOPPED = {
  code: "stopped",
  title: "The page stopped listening before this was sent",
  hint: "Do it again.",
  status: 0,
};
const OPS = new Set(["pause", "resume", "cancel", "retry", "answer"]);

/** @param {{transmit: (message: import("./transports.js").Message) => void,
 *    timers: import("./api.js").Timers, now: () => number, gapMs?: () => number,
 *    newKey?: () => string}} options */
export function createOutbox({ transmit, timers, now, gapMs = () => 0, newKey = randomKey }) {
  /** @type {Entry[]} */
  let entries = [];
  let carried = false;
  let asked = false; // the first one was sent
  let sentAt = -Infinity;
  /** @type {any} */
  let clock = null;

  function next() {
    timers.clear(clock);
    if (!carried || asked || entries.length === 0) return;
    const waitMs = sentAt + gapMs() - now();
    if (waitMs > 0) {
      clock = timers.set(next, waitMs);
      return;
    }
    asked = true;
    sentAt = now();
    transmit({ ...entries[0].message, id: entries[0].id });
  }

  return {
    /** @param {Outgoing} message  @returns {Promise<{type: string}>} */
    send(message) {
      if (!OPS.has(message.op)) throw new TypeError(`"${message.op}" is nothing to be sent`);
      if (entries.length >= KEPT) return Promise.reject(new ProblemError(FULL));
      return new Promise((resolve, reject) => {
        entries.push({ message, id: newKey(), resolve, reject });
        next();
      });
    },
    begin() {
      carried = true;
      next();
    },
    halt() {
      timers.clear(clock);
      carried = false;
      asked = false;
    },
    again() {
      asked = false;
      next();
    },
    /** @param {Record<string, any>} answer */
    settle(answer) {
      const [first] = entries;
      if (!first || answer.id !== first.id) return false;
      entries.shift();
      asked = false;
      if (answer.type === "ok") first.resolve({ type: "ok" });
      else {
        const { code, message: title, retry_after: retryAfter = null } = answer;
        first.reject(new ProblemError({ code, title, status: 400, retryAfter, retryable: retryAfter !== null }));
      }
      next();
      return true;
    },
    abandon() {
      const left = entries;
      entries = [];
      asked = false;
      for (const { reject } of left) reject(new ProblemError(STOPPED));
    },
    get size() {
      return entries.length;
    },
  };
}
