/** What every job looks like now, by its events. No DOM, no IO; the clock is handed in.
 *
 *  createJobStore({now?, onGap?, withEvent?}) -> store
 *    withEvent(steps, event) -> steps   keeps the history of steps; see store.js. None is kept by
 *                                       itself: our pages have the messages elsewhere
 *  feeding     applyEvent(event) -> boolean     a native event; false when it changed nothing
 *              applySnapshot(jobState) -> boolean   GET /api/v1/jobs/{id}, or rendered by the server
 *              batch(fn)                        many changes, listeners told once a file at the end
 *              change(fileId, facts)            what the page knows itself; see store.js
 *              clearStatus(fileId)  clearAll()
 *  queries     getStatus(fileId)  getAllStatuses()  getActiveFiles()  getCompletedFiles()
 *              getBatch(batchId)  size
 *              each answer is the same array until something changes
 *  listening   subscribe(fn) -> unsubscribe         fn() when anything changed
 *              subscribe(selector, fn) -> unsubscribe
 *                "fileId"            fn(status | undefined, fileId)   when that file changes
 *                "*"                 fn(status | undefined, fileId)   when any file changes
 *                (store) => value    fn(value, before)                when the value is another
 *              follow(fn) -> unfollow   fn(event, status | undefined) once for each event applied
 *
 *  fileId is the job's id; before there is a job (while a file is being sent) any other string.
 *  A FileStatus is replaced, never changed, so `===` tells whether it did change.
 *  Repeated and older events change nothing. A hole in `n` is told by onGap(jobId, haveN, gotN),
 *  once for each hole; what came after it waits until a snapshot or the missing events fill it.
 *
 *  @typedef {{step: string, message: string, status: "in_progress"|"complete"|"error",
 *    timestamp: number, progress?: number, extra?: Record<string, any>}} ProcessingStep
 *    times are in milliseconds since the epoch
 *    extra of an event's step: {n, seq, type, stage, details, warning?}
 *  @typedef {"waiting"|"running"|"paused"|"asking"|"done"|"failed"|"cancelled"} Phase
 *  @typedef {{fileId: string, filename?: string, steps: ProcessingStep[], currentStep?: string,
 *    overallProgress: number, startedAt: number, completedAt?: number, error?: string,
 *    phase: Phase, stages: import("./fold.js").StageState[], attempt: number, seq: number,
 *    n: number, batchId: string|null, message: string,
 *    job: import("./fold.js").JobState|null}} FileStatus   job: the whole folded state
 *  @typedef {{batchId: string, name: string, jobs: number, counts: Record<string, number>,
 *    seq: number}} BatchStatus
 */

import { fold, wholeState } from "./fold.js";

const PENDING_KEPT = 1000;

/** @type {Record<string, Phase>} */
const PHASES = {
  pending: "waiting",
  processing: "running",
  paused: "paused",
  waiting: "asking",
  completed: "done",
  error: "failed",
  cancelled: "cancelled",
};
const ACTIVE = new Set(["waiting", "running", "paused", "asking"]);

/** @typedef {ReturnType<typeof createJobStore>} JobStore
 *  @typedef {(status: FileStatus|undefined, fileId: string) => void} FileListener
 *  @typedef {import("./fold.js").JobState} JobState
 *  @typedef {import("./fold.js").WireEvent} WireEvent */

/** @typedef {{now?: () => number,
 *    onGap?: (jobId: string, haveN: number, gotN: number) => void,
 *    withEvent?: (steps: ProcessingStep[], event: WireEvent) => ProcessingStep[]}} JobStoreOptions
 *    now: milliseconds since the epoch */

/** @param {JobStoreOptions} [options] */
export function createJobStore({ now = Date.now, onGap = () => {}, withEvent = (steps) => steps } = {}) {
  /** @type {Map<string, FileStatus>} */
  const files = new Map();
  /** @type {Map<string, BatchStatus>} */
  const batches = new Map();
  /** Events past a hole, by job and then by n. @type {Map<string, Map<number, any>>} */
  const pending = new Map();
  /** The n each reported hole begins after. @type {Map<string, number>} */
  const reported = new Map();

  /** @type {Map<string, Set<FileListener>>} */
  const keyed = new Map();
  /** @type {Set<{select: (store: any) => any, tell: (value: any, before: any) => void,
   *    value: any}>} */
  const selected = new Set();
  /** @type {Set<(event: WireEvent, status: FileStatus|undefined) => void>} */
  const followers = new Set();
  /** Answers that hold until something changes. @type {Map<string, FileStatus[]>} */
  const listed = new Map();
  let version = 0;
  /** @type {Set<string>} */
  let changed = new Set();
  let depth = 0;

  function tell() {
    while (depth === 0 && changed.size > 0) {
      const ids = changed;
      changed = new Set();
      for (const id of ids) {
        for (const key of [id, "*"]) {
          for (const fn of keyed.get(key) ?? []) fn(files.get(id), id);
        }
      }
      for (const one of selected) {
        const value = one.select(store);
        if (Object.is(value, one.value)) continue;
        const before = one.value;
        one.value = value;
        one.tell(value, before);
      }
    }
  }

  /** @param {string} fileId */
  function touch(fileId) {
    changed.add(fileId);
    version += 1;
    tell();
  }

  /** @param {string} fileId  @param {FileStatus} status */
  function keep(fileId, status) {
    files.set(fileId, status);
    listed.clear();
  }

  /** @param {string} name  @param {(status: FileStatus) => boolean} wanted */
  function list(name, wanted) {
    const known = listed.get(name) ?? [...files.values()].filter(wanted);
    listed.set(name, known);
    return known;
  }

  /** @param {string} fileId  @returns {FileStatus} */
  function blank(fileId) {
    return {
      fileId,
      steps: [],
      overallProgress: 0,
      startedAt: now(),
      phase: "waiting",
      stages: [],
      attempt: 1,
      seq: 0,
      n: 0,
      batchId: null,
      message: "",
      job: null,
    };
  }

  /** @param {JobState} job  @param {FileStatus} [before]  @returns {FileStatus} */
  function fromJob(job, before) {
    const same = before?.attempt === job.attempt ? before.overallProgress : 0;
    return {
      ...(before ?? blank(job.job_id)),
      filename: job.filename,
      currentStep: job.step ?? undefined,
      overallProgress: Math.max(same, job.progress),
      startedAt: Date.parse(job.started_at ?? job.created_at),
      completedAt: job.completed_at ? Date.parse(job.completed_at) : undefined,
      error: job.error?.title,
      phase: PHASES[job.status] ?? "running",
      stages: job.stages,
      attempt: job.attempt,
      seq: job.last_seq,
      n: job.n,
      batchId: job.batch_id,
      message: job.message,
      job,
    };
  }

  /** @param {WireEvent} event */
  function applyBatchEvent(event) {
    const id = event.batch_id;
    const before = id ? batches.get(id) : undefined;
    if (!id || (before && event.seq <= before.seq)) return false;
    batches.set(id, {
      batchId: id,
      name: event.name ?? before?.name ?? "",
      jobs: event.jobs ?? before?.jobs ?? 0,
      counts: event.counts ?? before?.counts ?? {},
      seq: event.seq,
    });
    for (const fn of followers) fn(event, undefined);
    touch(id);
    return true;
  }

  /** @param {WireEvent} event  @param {string} id  @param {number} haveN */
  function hold(event, id, haveN) {
    const waiting = pending.get(id) ?? new Map();
    pending.set(id, waiting);
    if (waiting.size < PENDING_KEPT) waiting.set(event.n, event);
    if (reported.get(id) === haveN) return;
    reported.set(id, haveN);
    onGap(id, haveN, event.n ?? 0);
  }

  /** Apply what waited for the hole that has just been filled. @param {string} fileId */
  function catchUp(fileId) {
    const waiting = pending.get(fileId);
    if (!waiting) return;
    pending.delete(fileId);
    reported.delete(fileId);
    const rest = [...waiting.values()].sort((one, other) => one.n - other.n);
    for (const event of rest) applyEvent(event);
  }

  /** @param {WireEvent} event  @returns {boolean} */
  function applyEvent(event) {
    if (!event.job_id) return applyBatchEvent(event);
    const before = files.get(event.job_id);
    const job = before?.job ?? null;
    const have = job?.n ?? 0;
    const n = event.n ?? 0;
    if (n <= have) return false;
    if (n > have + 1 || (job === null && event.type !== "job_created")) {
      hold(event, event.job_id, have);
      return false;
    }
    const status = fromJob(fold(job, event), before);
    status.steps = withEvent(status.steps, event);
    keep(event.job_id, status);
    const { job_id: id } = event;
    store.batch(() => {
      touch(id);
      for (const fn of followers) fn(event, status);
      catchUp(id);
    });
    return true;
  }

  const store = {
    applyEvent,

    /** @param {Partial<JobState>} snapshot */
    applySnapshot(snapshot) {
      const job = wholeState(snapshot);
      const before = files.get(job.job_id);
      if (before?.job && before.job.n > job.n) return false;
      if (before?.job?.n === job.n && before.seq >= job.last_seq) {
        reported.delete(job.job_id);
        return false;
      }
      keep(job.job_id, fromJob(job, before));
      store.batch(() => {
        catchUp(job.job_id);
        touch(job.job_id);
      });
      return true;
    },

    /** @template T  @param {() => T} fn */
    batch(fn) {
      depth += 1;
      try {
        return fn();
      } finally {
        depth -= 1;
        tell();
      }
    },

    /** Replace a file's status. @param {string} fileId  @param {Partial<FileStatus>} facts */
    change(fileId, facts) {
      keep(fileId, { ...(files.get(fileId) ?? blank(fileId)), ...facts });
      touch(fileId);
    },

    /** @param {string} fileId */
    clearStatus(fileId) {
      pending.delete(fileId);
      reported.delete(fileId);
      listed.clear();
      if (files.delete(fileId)) touch(fileId);
    },

    clearAll() {
      const ids = [...files.keys(), ...batches.keys()];
      files.clear();
      batches.clear();
      pending.clear();
      reported.clear();
      listed.clear();
      store.batch(() => ids.forEach(touch));
    },

    /** @param {string} fileId */
    getStatus: (fileId) => files.get(fileId),
    getAllStatuses: () => list("all", () => true),
    getActiveFiles: () => list("active", ({ phase }) => ACTIVE.has(phase)),
    getCompletedFiles: () => list("completed", ({ phase }) => phase === "done"),
    /** @param {string} batchId */
    getBatch: (batchId) => batches.get(batchId),
    get size() {
      return files.size;
    },

    /** @param {string|((store: any) => any)} selector
     *  @param {FileListener|((value: any, before: any) => void)} [fn]
     *  @returns {() => void} */
    subscribe(selector, fn) {
      if (typeof selector === "function") {
        const select = fn === undefined ? () => version : selector;
        const one = { select, tell: /** @type {any} */ (fn ?? selector), value: select(store) };
        selected.add(one);
        return () => void selected.delete(one);
      }
      const listener = /** @type {FileListener} */ (fn);
      const listeners = keyed.get(selector) ?? new Set();
      keyed.set(selector, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && keyed.get(selector) === listeners) keyed.delete(selector);
      };
    },

    /** @param {(event: WireEvent, status: FileStatus|undefined) => void} fn
     *  @returns {() => void} */
    follow(fn) {
      followers.add(fn);
      return () => void followers.delete(fn);
    },
  };
  return store;
}
