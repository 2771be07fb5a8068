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
export type Timers = {
    set: (run: () => void, ms: number) => any;
    clear: (id: any) => void;
};
export declare class ProblemError extends Error {
    code: string;
    title: string;
    detail: string;
    hint: string;
    status: number;
    retryAfter: number | null;
    retryable: boolean;
    /** @param {{code: string, title: string, detail?: string, hint?: string, status: number,
     *    retryAfter?: number|null, retryable?: boolean}} problem */
    constructor({ code, title, detail, hint, status, retryAfter, retryable }: {
        code: string;
        title: string;
        detail?: string;
        hint?: string;
        status: number;
        retryAfter?: number | null;
        retryable?: boolean;
    });
}
/** A problem that only the browser knows. @param {string} code */
export declare const ownProblem: (code: string, status?: number) => ProblemError;
/** @param {number} status  @param {any} body  an RFC 9457 problem, or anything else
 *  @param {string|null} [retryAfter]  seconds */
export declare function problemOf(status: number, body: any, retryAfter?: string | null): ProblemError;
/** A random key; crypto.randomUUID is missing where the page came over plain HTTP. */
export declare function randomKey(): string;
/** @param {{fetch?: typeof globalThis.fetch, base?: string, timeoutMs?: number, newKey?: () => string,
 *    timers?: Timers}} [options] */
export declare function createApi(options?: {
    fetch?: typeof globalThis.fetch;
    base?: string;
    timeoutMs?: number;
    newKey?: () => string;
    timers?: Timers;
}): {
    call: (method: string, path: string, body?: unknown, key?: string) => Promise<any>;
    get: (path: string) => Promise<any>;
    post: (path: string, body?: unknown, { key }?: {
        key?: string;
    }) => Promise<any>;
    /** @param {string} id  @returns {Promise<import("./fold.js").JobState>} */
    job: (id: string) => Promise<import("./fold.js").JobState>;
    jobs: (facts?: {}) => Promise<any>;
    /** @param {string} id  @param {{offset?: number, limit?: number, state?: string}} [part] */
    rows: (id: string, { offset, limit, state }?: {
        offset?: number;
        limit?: number;
        state?: string;
    }) => Promise<any>;
    /** @param {string} id */
    delta: (id: string) => Promise<any>;
    /** @param {string} id */
    cancel: (id: string) => Promise<any>;
    /** @param {string} id  @param {{from_step?: string}} [facts] */
    retry: (id: string, facts?: {
        from_step?: string;
    }) => Promise<any>;
    /** @param {string} id */
    undo: (id: string) => Promise<any>;
};
/** @param {string} text  @returns {any} undefined when it is not JSON */
export declare function parse(text: string): any;
