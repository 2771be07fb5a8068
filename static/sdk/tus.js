/** Sends a file in pieces, each kept by the server before the next: tus 1.0.0.
 *
 *  createTus({server, fetch, headers, metadata, file, timers, sizes?, now?}) -> tus
 *    metadata  {filename, batch_id?, options?}       headers() -> what authorises, may be async
 *  tus.begin() -> address          NotOffered where the server has no such uploads
 *  tus.ask(address) -> {offset, job}      how far it came; completes it where it came in full
 *  tus.send(address, offset, signal) -> {offset, job}      the next piece
 *  tus.drop(address)               the server forgets it
 *  All reject with a ProblemError; status 0: no answer came, or none in time ("timeout").
 *
 *  Pieces grow while the line is quick, so that each takes about a second: a break costs that much.
 *  A line that is dead without knowing, after a sleep say, is given up.
 */

import { ownProblem, parse, ProblemError, problemOf } from "./api.js";

const KIB = 1024;
const SIZES = { first: 512 * KIB, least: 64 * KIB, most: 16_384 * KIB };
const QUICK_MS = 1000;
const SLOW_MS = 4000;
const ANSWERED_MS = 30_000;
const PIECE_MS = 120_000;
const SIGNED_OUT = {
  code: "not_authenticated",
  title: "You are signed out",
  hint: "Sign in, and go on.",
  status: 401,
};
const NOT_THERE = new Set([404, 405, 501]);

export class NotOffered extends Error {}

/** @typedef {{offset: number, job: {job_id: string, batch_id: string}|null}} Standing
 *  @typedef {() => Record<string, string>|Promise<Record<string, string>>} Headers */

/** @param {string} text  as bytes of UTF-8, in base64 */
const packed = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** @param {{server: string, fetch: typeof globalThis.fetch, headers: Headers, file: Blob,
 *    metadata: Record<string, string>, timers: import("./api.js").Timers, sizes?: typeof SIZES,
 *    now?: () => number}} options */
export function createTus(options) {
  const { server, fetch, headers, file, metadata, timers, sizes = SIZES, now = Date.now } = options;
  let size = sizes.first;

  /** @param {string} method  @param {string} address  @param {Record<string, string>} [own]
   *  @param {{body?: Blob, signal?: AbortSignal}} [rest] */
  async function call(method, address, own = {}, { body, signal } = {}) {
    const given = { Accept: "application/json", "Tus-Resumable": "1.0.0", ...(await headers()), ...own };
    const ending = new AbortController();
    const end = () => ending.abort();
    const clock = timers.set(end, body ? PIECE_MS : ANSWERED_MS);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
    const how = { method, headers: given, body, signal: ending.signal };
    try {
      const answer = await fetch(address, { credentials: "same-origin", ...how });
      return { answer, text: answer.ok ? "" : await answer.text() };
    } catch {
      if (signal?.aborted) throw ownProblem("cancelled");
      throw ownProblem(ending.signal.aborted ? "timeout" : "offline");
    } finally {
      timers.clear(clock);
      signal?.removeEventListener("abort", end);
    }
  }

  /** @param {Response} answer  @param {string} text */
  const refusal = (answer, text) =>
    problemOf(answer.status, parse(text), answer.headers.get("Retry-After"));

  /** @param {Response} answer  @returns {Standing} */
  function standing({ headers: told }) {
    const offset = Number(told.get("Upload-Offset") ?? NaN);
    // what lies between answered, without knowing what was asked
    if (!Number.isInteger(offset)) throw ownProblem("bad_answer", 502);
    const job = told.get("Livetrail-Job");
    return { offset, job: job ? { job_id: job, batch_id: told.get("Livetrail-Batch") ?? "" } : null };
  }

  return {
    async begin() {
      const told = Object.entries(metadata).map(([name, value]) => `${name} ${packed(value)}`);
      const own = { "Upload-Length": String(file.size), "Upload-Metadata": told.join(",") };
      const { answer, text } = await call("POST", `${server}/api/v1/uploads/`, own);
      if (!answer.ok && NOT_THERE.has(answer.status) && !answer.headers.has("Tus-Resumable")) {
        throw new NotOffered();
      }
      if (!answer.ok) throw refusal(answer, text);
      const address = answer.headers.get("Location");
      if (!address) throw ownProblem("bad_answer", answer.status);
      return address.startsWith("/") ? server + address : address;
    },
    /** @param {string} address  @returns {Promise<Standing>} */
    async ask(address) {
      const { answer } = await call("HEAD", address);
      // its answer has no body that could say more
      if (!answer.ok) throw answer.status === 401 ? new ProblemError(SIGNED_OUT) : ownProblem("upload_cut", answer.status);
      return standing(answer);
    },
    /** @param {string} address  @param {number} offset  @param {AbortSignal} signal
     *  @returns {Promise<Standing>} */
    async send(address, offset, signal) {
      const body = file.slice(offset, offset + size);
      const own = {
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": String(offset),
      };
      const began = now();
      const before = size;
      size = sizes.least; // should it not arrive
      const { answer, text } = await call("PATCH", address, own, { body, signal });
      if (!answer.ok) throw refusal(answer, text);
      size = before;
      const tookMs = now() - began;
      if (tookMs < QUICK_MS) size = Math.min(sizes.most, size * 2);
      else if (tookMs > SLOW_MS) size = Math.max(sizes.least, size / 2);
      return standing(answer);
    },
    /** @param {string} address */
    async drop(address) {
      await call("DELETE", address);
    },
  };
}
