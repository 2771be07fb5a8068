/** JSON calls to /api/v1. Every failure is a ProblemError with words for a person.
 *
 *  createApi({fetch?, base = "/api/v1", timeoutMs = 15000, newKey?, timers?}) -> api
 *  api.get(path)  api.post(path, body?, {key?})   -> parsed JSON, null for 204
 *  api.call(method, path, body?)                  the same for other methods
 *  api.job(id)  api.jobs(query?)  api.rows(jobId, {offset?, limit?, state?})  api.delta(jobId)
 *  api.cancel(jobId)  api.retry(jobId, {from_step?}?)  api.undo(jobId)
 *  ProblemError {code, title, detail, hint, status, retryAfter, retryable}; status 0: no answer.
 *     code is the server's, or "offline", "timeout", "bad_answer"
 *  problemOf(status, body, retryAfter?) -> ProblemError   shared with upload.js
 *
 *  @typedef {{set: (run: () => void, ms: number) => any, clear: (id: any) => void}} Timers
 *
 *  A POST carries an Idempotency-Key. When no answer comes it is sent once more with the same key,
 *  so that the server does the work once; so is a GET.
 */

import { problemWords } from "./words.js";

export class ProblemError extends Error {
  /** @param {{code: string, title: string, detail?: string, hint?: string, status: number,
   *    retryAfter?: number|null, retryable?: boolean}} problem */
  constructor({ code, title, detail = "", hint = "", status, retryAfter = null, retryable }) {
    super(title);
    this.name = "ProblemError";
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.hint = hint;
    this.status = status;
    this.retryAfter = retryAfter;
    this.retryable = retryable ?? (status === 0 || status === 429 || status >= 502);
  }
}

/** A problem that only the browser knows. @param {string} code */
export const ownProblem = (code, status = 0) =>
  new ProblemError({ code, status, ...problemWords(code) });

/** @param {number} status  @param {any} body  an RFC 9457 problem, or anything else
 *  @param {string|null} [retryAfter]  seconds */
export function problemOf(status, body, retryAfter = null) {
  if (typeof body?.code !== "string") {
    return ownProblem(status >= 502 ? "offline" : "bad_answer", status);
  }
  const { code, title, detail, hint, retryable } = body;
  const wait = retryAfter === null ? null : Number(retryAfter) || null;
  return new ProblemError({ code, title, detail, hint, status, retryable, retryAfter: wait });
}

/** A random key; crypto.randomUUID is missing where the page came over plain HTTP. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Record<string, unknown>} facts */
const query = (facts) => {
  const pairs = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null);
  return pairs.length ? `?${new URLSearchParams(pairs.map(([k, v]) => [k, String(v)]))}` : "";
};

/** @param {{fetch?: typeof globalThis.fetch, base?: string, timeoutMs?: number, newKey?: () => string,
 *    timers?: Timers}} [options] */
export function createApi(options = {}) {
  const {
    fetch = (input, init) => globalThis.fetch(input, init),
    base = "/api/v1",
    timeoutMs = 15_000,
    newKey = randomKey,
    timers = { set: (run, ms) => setTimeout(run, ms), clear: (id) => clearTimeout(id) },
  } = options;

  /** @param {string} method  @param {string} path  @param {unknown} body  @param {string} [key] */
  async function once(method, path, body, key) {
    const control = new AbortController();
    const clock = timers.set(() => control.abort(), timeoutMs);
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    try {
      const answer = await fetch(base + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "same-origin",
        signal: control.signal,
      });
      const text = await answer.text();
      if (answer.ok && !text) return null;
      const parsed = parse(text);
      if (answer.ok && parsed !== undefined) return parsed;
      throw problemOf(answer.status, parsed, answer.headers.get("Retry-After"));
    } catch (error) {
      if (error instanceof ProblemError) throw error;
      throw ownProblem(control.signal.aborted ? "timeout" : "offline");
    } finally {
      timers.clear(clock);
    }
  }

  /** @param {string} method  @param {string} path  @param {unknown} [body]  @param {string} [key]
   *  @returns {Promise<any>} */
  async function call(method, path, body, key) {
    try {
      return await once(method, path, body, key);
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== "offline") throw error;
      return once(method, path, body, key);
    }
  }

  /** @param {string} path */
  const get = (path) => call("GET", path);
  /** @param {string} path  @param {unknown} [body]  @param {{key?: string}} [how] */
  const post = (path, body = {}, { key = newKey() } = {}) => call("POST", path, body, key);
  /** @param {string} id */
  const job = (id) => `/jobs/${encodeURIComponent(id)}`;

  return {
    call,
    get,
    post,
    /** @param {string} id  @returns {Promise<import("./fold.js").JobState>} */
    job: (id) => get(job(id)),
    jobs: (facts = {}) => get(`/jobs${query(facts)}`),
    /** @param {string} id  @param {{offset?: number, limit?: number, state?: string}} [part] */
    rows: (id, { offset, limit, state } = {}) =>
      get(`${job(id)}/rows${query({ offset, limit, state })}`),
    /** @param {string} id */
    delta: (id) => get(`${job(id)}/delta`),
    /** @param {string} id */
    cancel: (id) => post(`${job(id)}/cancel`),
    /** @param {string} id  @param {{from_step?: string}} [facts] */
    retry: (id, facts = {}) => post(`${job(id)}/retry`, facts),
    /** @param {string} id */
    undo: (id) => post(`${job(id)}/undo`),
  };
}

/** @param {string} text  @returns {any} undefined when it is not JSON */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
