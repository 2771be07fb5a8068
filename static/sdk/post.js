/** What is to be sent, also while the outbox for it is not loaded: few pages send anything.
 *
 *  createPost({load, transmit, timers, now, gapMs}) -> post
 *    load(again)   the module of the outbox; again: it did not come before
 *  post
 *    send(message) -> promise   see outbox.js. Where its module can not be had, for want of a
 *                               connection, it comes once there is one
 *    begin()  halt()  again()  settle(answer)  size     the outbox's
 *    stop()                     nothing is sent any more, and whoever waits is told so
 */

import { ownProblem } from "./api.js";

/** @typedef {import("./outbox.js").Outbox} Outbox */

/** @param {{load: (again: boolean) => Promise<typeof import("./outbox.js")>}
 *    & Parameters<typeof import("./outbox.js").createOutbox>[0]} options */
export function createPost({ load, ...options }) {
  /** @type {Outbox|null} */
  let outbox = null;
  /** @type {Promise<Outbox>|null} */
  let making = null;
  /** Waits for a connection to load it with. @type {{go: () => void, giveUp: (why: Error) => void}|null} */
  let unloaded = null;
  let waiting = 0; // messages, for the outbox
  let carried = false;
  let stops = 0;

  async function make() {
    for (let again = false; ; again = true) {
      try {
        return (await load(again)).createOutbox(options);
      } catch {
        await new Promise((go, giveUp) => {
          unloaded = { go: () => go(undefined), giveUp };
        });
      }
    }
  }

  return {
    /** @param {import("./outbox.js").Outgoing} message */
    async send(message) {
      const before = stops;
      making ??= make();
      waiting += 1;
      try {
        outbox = await making;
      } catch (problem) {
        making = null;
        throw problem;
      } finally {
        waiting -= 1;
      }
      const answer = outbox.send(message);
      if (before !== stops) outbox.abandon();
      else if (carried) outbox.begin();
      return answer;
    },
    begin() {
      carried = true;
      unloaded?.go();
      outbox?.begin();
    },
    halt() {
      carried = false;
      outbox?.halt();
    },
    again: () => outbox?.again(),
    /** @param {Record<string, any>} answer */
    settle: (answer) => outbox?.settle(answer) ?? false,
    stop() {
      stops += 1;
      unloaded?.giveUp(ownProblem("offline"));
      outbox?.abandon();
    },
    get size() {
      return waiting + (outbox?.size ?? 0);
    },
  };
}
