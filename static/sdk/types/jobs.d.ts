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
export type ProcessingStep = {
    step: string;
    message: string;
    status: "in_progress" | "complete" | "error";
    timestamp: number;
    progress?: number;
    extra?: Record<string, any>;
};
export type Phase = "waiting" | "running" | "paused" | "asking" | "done" | "failed" | "cancelled";
export type FileStatus = {
    fileId: string;
    filename?: string;
    steps: ProcessingStep[];
    currentStep?: string;
    overallProgress: number;
    startedAt: number;
    completedAt?: number;
    error?: string;
    phase: Phase;
    stages: import("./fold.js").StageState[];
    attempt: number;
    seq: number;
    n: number;
    batchId: string | null;
    message: string;
    job: import("./fold.js").JobState | null;
};
export type BatchStatus = {
    batchId: string;
    name: string;
    jobs: number;
    counts: Record<string, number>;
    seq: number;
};
export type JobStore = ReturnType<typeof createJobStore>;
export type FileListener = (status: FileStatus | undefined, fileId: string) => void;
export type JobState = import("./fold.js").JobState;
export type WireEvent = import("./fold.js").WireEvent;
export type JobStoreOptions = {
    now?: () => number;
    onGap?: (jobId: string, haveN: number, gotN: number) => void;
    withEvent?: (steps: ProcessingStep[], event: WireEvent) => ProcessingStep[];
};
/** @typedef {ReturnType<typeof createJobStore>} JobStore
 *  @typedef {(status: FileStatus|undefined, fileId: string) => void} FileListener
 *  @typedef {import("./fold.js").JobState} JobState
 *  @typedef {import("./fold.js").WireEvent} WireEvent */
/** @typedef {{now?: () => number,
 *    onGap?: (jobId: string, haveN: number, gotN: number) => void,
 *    withEvent?: (steps: ProcessingStep[], event: WireEvent) => ProcessingStep[]}} JobStoreOptions
 *    now: milliseconds since the epoch */
/** @param {JobStoreOptions} [options] */
export declare function createJobStore({ now, onGap, withEvent }?: JobStoreOptions): {
    applyEvent: (event: WireEvent) => boolean;
    /** @param {Partial<JobState>} snapshot */
    applySnapshot(snapshot: Partial<JobState>): boolean;
    /** @template T  @param {() => T} fn */
    batch<T>(fn: () => T): T;
    /** Replace a file's status. @param {string} fileId  @param {Partial<FileStatus>} facts */
    change(fileId: string, facts: Partial<FileStatus>): void;
    /** @param {string} fileId */
    clearStatus(fileId: string): void;
    clearAll(): void;
    /** @param {string} fileId */
    getStatus: (fileId: string) => FileStatus | undefined;
    getAllStatuses: () => FileStatus[];
    getActiveFiles: () => FileStatus[];
    getCompletedFiles: () => FileStatus[];
    /** @param {string} batchId */
    getBatch: (batchId: string) => BatchStatus | undefined;
    readonly size: number;
    /** @param {string|((store: any) => any)} selector
     *  @param {FileListener|((value: any, before: any) => void)} [fn]
     *  @returns {() => void} */
    subscribe(selector: string | ((store: any) => any), fn?: FileListener | ((value: any, before: any) => void)): () => void;
    /** @param {(event: WireEvent, status: FileStatus|undefined) => void} fn
     *  @returns {() => void} */
    follow(fn: (event: WireEvent, status: FileStatus | undefined) => void): () => void;
};
