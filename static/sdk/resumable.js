/** Sends one file that goes on where it broke off: after a lost connection, a pause, a reload.
 *
 *  createUpload(file, options?) -> {done, pause(), resume(), abort(), state}
 *  options
 *    server      "https://files.example.org"; "" for the page's own
 *    headers     what authorises, where no cookie does: {Authorization: "Bearer ..."}, or a function
 *    options     the batch's options: name, on_duplicate …
 *    batchId     a batch the file belongs to: a UUID of yours, or one that there is
 *    anyBatch    true: what was begun for another batch goes on there; `done` says which it is
 *    paused      true: it begins with resume()
 *    onProgress  ({state, sent, total, percent})
 *                state: "sending"|"paused"|"waiting" (for the connection)|"done"|"failed"
 *    storage     where it is remembered which file came how far: localStorage; null for nowhere
 *    fetch, timers, random, now, sizes, sendWhole   handed in by tests
 *  done     promise of {job_id, batch_id}; rejects with ProblemError ("cancelled" after abort())
 *
 *  A file is known again by its name, size, type and time: choose it again after a reload, and it
 *  goes on. A lost connection is waited for as long as it takes. A server without resumable uploads
 *  gets it in one request, which a pause ends and `resume` begins anew.
 */

import { ownProblem, ProblemError, randomKey } from "./api.js";
import { backoffMs } from "./transports.js";
import { createTus, NotOffered } from "./tus.js";
import { createUploader } from "./upload.js";

const PREFIX = "livetrail.upload ";
const KEPT_MS = 7 * 24 * 3600 * 1000;
const STRANGE = 3; // how often the server may not know an upload that it began itself
// what is over there is to be asked for again: another piece came first, or is still arriving
const ASK_AGAIN = new Set([409, 423, 460]);
const PASSES = new Set([0, 429, 502, 503, 504]);
const GONE = new Set([403, 404, 410]);

/** @typedef {"queued"|"sending"|"paused"|"waiting"|"done"|"failed"} UploadState
 *  @typedef {{state: UploadState, sent: number, total: number, percent: number}} Progress
 *  @typedef {{job_id: string, batch_id: string}} Taken
 *  @typedef {Pick<Storage, "getItem"|"setItem"|"removeItem"|"key"|"length">} Memory
 *  @typedef {ReturnType<typeof createUpload>} Upload */

/** The page's own, where it may have one. @returns {Memory|null} */
function pageStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/** @param {Memory|null} storage  @param {string} file  what it is known by
 *  @param {string} batch  @param {boolean} anyBatch  @param {() => number} now */
function remember(storage, file, batch, anyBatch, now) {
  let name = `${file} ${batch}`;
  /** @param {string|null} text  @returns {{url: string, at: number}|null} */
  const read = (text) => {
    try {
      const known = JSON.parse(text ?? "");
      return typeof known.url === "string" && now() - known.at < KEPT_MS ? known : null;
    } catch {
      return null;
    }
  };
  /** @param {(storage: Memory) => void} change */
  const change = (change) => {
    try {
      if (storage) change(storage);
    } catch {
      // full, or not allowed: then it does not go on after a reload
    }
  };
  change((storage) => {
    const names = Array.from({ length: storage.length }, (_, place) => storage.key(place) ?? "");
    for (const old of names) {
      if (old.startsWith(PREFIX) && read(storage.getItem(old)) === null) storage.removeItem(old);
      else if (anyBatch && old.startsWith(`${file} `)) name = old;
    }
  });
  return {
    get: () => read(storage?.getItem(name) ?? null)?.url ?? null,
    /** @param {string} url */
    set: (url) => change((storage) => storage.setItem(name, JSON.stringify({ url, at: now() }))),
    clear: () => change((storage) => storage.removeItem(name)),
  };
}

/** @param {File} file
 *  @param {{server?: string, options?: Record<string, any>|null, batchId?: string|null,
 *    anyBatch?: boolean, paused?: boolean,
 *    headers?: Record<string, string>|import("./tus.js").Headers,
 *    onProgress?: (progress: Progress) => void, storage?: Memory|null,
 *    fetch?: typeof globalThis.fetch, timers?: import("./api.js").Timers, random?: () => number,
 *    now?: () => number, sizes?: {first: number, least: number, most: number},
 *    sendWhole?: typeof createUploader}} [given] */
export function createUpload(file, given = {}) {
  const {
    server = "",
    options = null,
    batchId = null,
    anyBatch = false,
    headers = {},
    onProgress = () => {},
    storage = pageStorage(),
    fetch = (input, init) => globalThis.fetch(input, init),
    timers = { set: (run, ms) => setTimeout(run, ms), clear: (id) => clearTimeout(id) },
    random = Math.random,
    now = Date.now,
    sizes,
    sendWhole = createUploader,
  } = given;
  const authorised = typeof headers === "function" ? headers : () => headers;
  const facts = [server, file.name, file.size, file.type, file.lastModified];
  const memory = remember(storage, PREFIX + facts.join(" "), batchId ?? "", anyBatch, now);
  const metadata = {
    filename: file.name,
    ...(batchId && { batch_id: batchId }),
    ...(options && { options: JSON.stringify(options) }),
  };
  const tus = createTus({ server, fetch, headers: authorised, file, metadata, timers, sizes, now });

  let { paused = false } = given;
  /** @type {UploadState} */
  let state = paused ? "paused" : "sending";
  let sent = 0;
  let over = false;
  let url = memory.get();
  let tries = 0;
  let strange = 0;
  let piece = new AbortController();
  /** Ends a wait. @type {() => void} */
  let wake = () => {};
  const key = randomKey();

  /** @param {UploadState} [next] */
  function tell(next = state) {
    state = next;
    const percent = file.size > 0 ? (sent / file.size) * 100 : 0;
    onProgress({ state, sent, total: file.size, percent });
  }

  /** Wait until `resume`, or for so long. @param {number} [ms] */
  function rest(ms) {
    return new Promise((resolve) => {
      const clock = ms === undefined ? null : timers.set(() => wake(), ms);
      wake = () => {
        timers.clear(clock);
        wake = () => {};
        resolve(undefined);
      };
    });
  }

  /** @param {import("./tus.js").Standing} standing */
  function came({ offset, job }) {
    if (offset > sent) tries = 0;
    sent = offset;
    if (over) throw ownProblem("cancelled");
    if (!paused) tell("sending");
    return job;
  }

  /** Send what the server does not have yet. Returns null at a pause.
   *  @returns {Promise<Taken|null>} */
  async function send() {
    if (url === null) {
      url = await tus.begin();
      memory.set(url);
    }
    let job = came(await tus.ask(url));
    while (job === null && !paused) {
      piece = new AbortController();
      job = came(await tus.send(url, sent, piece.signal));
    }
    return job;
  }

  /** Make ready for another try, or throw what none would help against. @param {unknown} problem */
  async function recover(problem) {
    if (over || !(problem instanceof ProblemError)) throw problem;
    if (paused || problem.code === "cancelled") return;
    if (GONE.has(problem.status) && url !== null && strange < STRANGE) {
      strange += 1;
      url = null;
      memory.clear();
      return;
    }
    if (!ASK_AGAIN.has(problem.status) && !PASSES.has(problem.status)) throw problem;
    tries += 1;
    const { status, retryAfter } = problem;
    if (PASSES.has(status)) tell("waiting");
    await rest(retryAfter === null ? backoffMs(tries, random) : retryAfter * 1000);
  }

  /** Go on until the file has become a job. @returns {Promise<Taken>} */
  async function go() {
    for (;;) {
      while (paused && !over) await rest();
      if (over) throw ownProblem("cancelled");
      try {
        const taken = await send();
        if (taken !== null) return taken;
      } catch (problem) {
        if (problem instanceof NotOffered) return whole();
        await recover(problem);
      }
    }
  }

  /** In one request. @returns {Promise<Taken>} */
  async function whole() {
    for (;;) {
      while (paused && !over) await rest();
      if (over) throw ownProblem("cancelled");
      const uploader = sendWhole({
        url: `${server}/api/v1/batches`,
        headers: await authorised(),
      });
      const upload = uploader.send([file], {
        options,
        key,
        onProgress: (progress) => {
          sent = progress.sent;
          if (!paused && !over) tell("sending");
        },
      });
      piece = new AbortController();
      piece.signal.addEventListener("abort", () => upload.cancel());
      try {
        const { batch_id, jobs } = await upload.done;
        return { job_id: jobs[0].job_id, batch_id };
      } catch (problem) {
        if (!paused || over) throw problem;
      }
    }
  }

  // begun a moment later, so that whoever called has what is returned
  const done = Promise.resolve()
    .then(go)
    .then(
      (taken) => {
        over = true;
        memory.clear();
        sent = file.size;
        tell("done");
        return taken;
      },
      (problem) => {
        over = true;
        // what may be tried again goes on from there, and so does who has signed in again
        const isOpen = problem instanceof ProblemError && (problem.retryable || problem.status === 401);
        if (!isOpen) memory.clear();
        tell("failed");
        throw problem;
      },
    );

  return {
    done,
    pause() {
      if (over || paused) return;
      paused = true;
      tell("paused");
      piece.abort();
      wake();
    },
    resume() {
      if (over || !paused) return;
      paused = false;
      tries = 0;
      tell("sending");
      wake();
    },
    /** Give it up: the server forgets what it has. */
    async abort() {
      if (over) return;
      over = true;
      piece.abort();
      wake();
      memory.clear();
      // one that the server does not hear of is forgotten there after a while
      if (url !== null) await tus.drop(url).catch(() => {});
    },
    get state() {
      return state;
    },
  };
}
