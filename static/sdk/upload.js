/** Sends several files in one request to POST /api/v1/batches, and tells how far each is. For one
 *  file that goes on where it broke off, see resumable.js.
 *
 *  createUploader({url?, atOnce = 2, XMLHttpRequest?, FormData?, newKey?}) -> uploader
 *  uploader.send(files, {options?, onProgress?, key?}) -> {done, cancel(), state}
 *     done        promise of {batch_id, jobs: [{job_id, filename, size, sha256, status}]};
 *                 rejects with ProblemError (upload_too_large, storage_full, offline, cancelled …)
 *     options     the batch's options: name, on_duplicate …
 *     key         the request's Idempotency-Key: where its answer was lost, the same files under the
 *                 same key are not taken twice
 *     onProgress  ({state: "queued"|"sending"|"storing"|"done"|"failed", sent, total, percent,
 *                  files: [{name, size, sent, percent}]})    bytes; also once at each change of state
 *  uploader.active   requests under way; more than `atOnce` wait their turn
 *  uploadWords(progress) -> "Sent 31 MB of 48 MB"
 *  checkFiles(files, {maxBytes?, maxFiles?}) -> {accepted: File[], refused: [{file, code, text}]}
 *
 *  One request is one batch. The order of its parts is the order of `files`, so a file's share is
 *  known from the bytes sent: what precedes it is sent before it.
 */

import { formatBytes, plural } from "./format.js";
import { ownProblem, parse, problemOf, randomKey } from "./api.js";

/** What can be known before a byte is sent. Whether the contents are fit, the server says.
 *  @param {Iterable<File>} files  @param {{maxBytes?: number, maxFiles?: number}} limits */
export function checkFiles(files, { maxBytes = Infinity, maxFiles = Infinity } = {}) {
  const accepted = [];
  /** @type {{file: File, code: string, text: string}[]} */
  const refused = [];
  for (const file of files) {
    /** @param {string} code  @param {string} text */
    const refuse = (code, text) => refused.push({ file, code, text });
    if (file.size === 0) {
      refuse("empty_file", `${file.name} is empty`);
    } else if (file.size > maxBytes) {
      const sizes = `${formatBytes(file.size)}; the limit is ${formatBytes(maxBytes)}`;
      refuse("upload_too_large", `${file.name} has ${sizes}`);
    } else if (accepted.length >= maxFiles) {
      refuse("too_many_files", `${file.name} is left out: ${plural(maxFiles, "file")} at once`);
    } else {
      accepted.push(file);
    }
  }
  return { accepted, refused };
}

/** @typedef {{state: string, sent: number, total: number, percent: number,
 *    files: {name: string, size: number, sent: number, percent: number}[]}} UploadProgress
 *  @typedef {{batch_id: string, jobs: {job_id: string, filename: string, size: number,
 *    sha256: string, status: string}[]}} Accepted */

/** @param {{url?: string, atOnce?: number, XMLHttpRequest?: typeof globalThis.XMLHttpRequest,
 *    FormData?: typeof globalThis.FormData, newKey?: () => string,
 *    headers?: Record<string, string>}} [settings]  headers: what authorises, where no cookie does */
export function createUploader(settings = {}) {
  const {
    url = "/api/v1/batches",
    atOnce = 2,
    XMLHttpRequest = globalThis.XMLHttpRequest,
    FormData = globalThis.FormData,
    newKey = randomKey,
    headers = {},
  } = settings;
  /** @type {(() => void)[]} */
  const queue = [];
  let active = 0;

  function next() {
    while (active < atOnce && queue.length > 0) {
      active += 1;
      queue.shift()?.();
    }
  }

  /** @param {File[]} files  @param {{options?: Record<string, any>|null,
   *    onProgress?: (progress: UploadProgress) => void, key?: string}} [how] */
  function send(files, { options = null, onProgress = () => {}, key = newKey() } = {}) {
    const list = [...files];
    const total = list.reduce((sum, file) => sum + file.size, 0);
    const request = new XMLHttpRequest();
    let state = "queued";
    let sent = 0;
    let cancelled = false;
    /** @type {(() => void)|null} */
    let begin = null;
    /** @type {((problem: import("./api.js").ProblemError|null, answer?: Accepted) => void)|null} */
    let settle = null;

    /** @param {string} [nextState] */
    function tell(nextState = state) {
      state = nextState;
      let before = 0;
      const each = list.map((file) => {
        const part = Math.min(file.size, Math.max(0, sent - before));
        before += file.size;
        return { name: file.name, size: file.size, sent: part, percent: share(part, file.size) };
      });
      onProgress({ state, sent, total, percent: share(sent, total), files: each });
    }

    /** @type {Promise<Accepted>} */
    const done = new Promise((resolve, reject) => {
      settle = (problem, answer) => {
        if (settle === null) return;
        settle = null;
        if (begin === null) active -= 1;
        else queue.splice(queue.indexOf(begin), 1);
        tell(problem ? "failed" : "done");
        if (problem) reject(problem);
        else resolve(/** @type {Accepted} */ (answer));
        next();
      };
    });

    begin = () => {
      begin = null;
      const form = new FormData();
      if (options) form.append("options", JSON.stringify(options));
      for (const file of list) form.append("files", file, file.name);
      request.open("POST", url);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("Idempotency-Key", key);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => {
        // the body is a little longer than the files: boundaries and part headers
        const extra = Math.max(0, event.total - total);
        sent = Math.max(sent, Math.min(total, event.loaded - Math.round(extra * (event.loaded / (event.total || 1)))));
        tell();
      };
      request.upload.onload = () => {
        sent = total;
        tell("storing");
      };
      request.onload = () => {
        const body = parse(request.responseText);
        if (request.status >= 200 && request.status < 300 && body?.batch_id) {
          sent = total;
          settle?.(null, body);
        } else {
          settle?.(problemOf(request.status, body, request.getResponseHeader("Retry-After")));
        }
      };
      request.onerror = () => settle?.(ownProblem(sent > 0 ? "upload_cut" : "offline"));
      request.onabort = () => settle?.(ownProblem("cancelled"));
      tell("sending");
      request.send(form);
    };
    queue.push(begin);
    tell();
    next();

    return {
      done,
      cancel() {
        if (cancelled || settle === null) return;
        cancelled = true;
        if (begin === null) request.abort();
        else settle(ownProblem("cancelled"));
      },
      get state() {
        return state;
      },
    };
  }

  return {
    send,
    get active() {
      return active;
    },
  };
}

/** @param {number} part  @param {number} whole */
const share = (part, whole) => (whole > 0 ? (part / whole) * 100 : 0);

/** "Sent 31 of 48 MB" and its like. @param {{state: string, sent: number, total: number}} progress */
export function uploadWords({ state, sent, total }) {
  if (state === "queued") return "Waiting for its turn";
  if (state === "storing") return "Writing it to disk";
  if (state === "paused") return `Paused at ${formatBytes(sent)} of ${formatBytes(total)}`;
  if (state === "waiting") return "Waiting for the connection";
  if (state === "done") return "Sent";
  return `Sent ${formatBytes(sent)} of ${formatBytes(total)}`;
}
