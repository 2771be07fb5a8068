/** What a job looks like now is a fold over its events: app/core/state.py, in JavaScript.
 *
 *  fold(state | null, event) -> state        never changes its argument
 *  wholeState(jobState) -> state             a snapshot, with what the wire left out as null
 *
 *  A test gives both folds the same events and compares what comes out.
 *
 *  @typedef {{key: string, label: string, start: number, end: number,
 *    state: "waiting"|"running"|"done"|"failed"|"skipped",
 *    started_at: string|null, ended_at: string|null, summary: string}} StageState
 *  @typedef {{code: string, title: string, detail: string, hint: string}} Warning
 *  @typedef {{code: string, title: string, detail: string, hint: string,
 *    step: string|null, retryable: boolean}} Failure
 *  @typedef {{job_id: string, batch_id: string|null, document_id: string|null, filename: string,
 *    size: number, media_type: string, sha256: string, plan: string, status: string,
 *    stage: string|null, step: string|null, progress: number, message: string,
 *    estimated_time_remaining: number|null, n: number, last_seq: number, attempt: number,
 *    created_at: string, started_at: string|null, completed_at: string|null, updated_at: string,
 *    duration_ms: number|null, stages: StageState[], steps_done: string[],
 *    details: Record<string, any>, warnings: Warning[], document_type: string|null,
 *    platform: string|null, error: Failure|null, result: Record<string, any>|null,
 *    undone: boolean, waiting_for: string[], steering: {op: string, by: string}|null,
 *    priority: number, reported: boolean}} JobState  times are ISO 8601, UTC; `stages` edges are percent
 *  @typedef {Record<string, any> & {seq: number, n: number|null, type: string,
 *    job_id: string|null, batch_id: string|null, message: string, timestamp: string}} WireEvent
 */
export type StageState = {
    key: string;
    label: string;
    start: number;
    end: number;
    state: "waiting" | "running" | "done" | "failed" | "skipped";
    started_at: string | null;
    ended_at: string | null;
    summary: string;
};
export type Warning = {
    code: string;
    title: string;
    detail: string;
    hint: string;
};
export type Failure = {
    code: string;
    title: string;
    detail: string;
    hint: string;
    step: string | null;
    retryable: boolean;
};
export type JobState = {
    job_id: string;
    batch_id: string | null;
    document_id: string | null;
    filename: string;
    size: number;
    media_type: string;
    sha256: string;
    plan: string;
    status: string;
    stage: string | null;
    step: string | null;
    progress: number;
    message: string;
    estimated_time_remaining: number | null;
    n: number;
    last_seq: number;
    attempt: number;
    created_at: string;
    started_at: string | null;
    completed_at: string | null;
    updated_at: string;
    duration_ms: number | null;
    stages: StageState[];
    steps_done: string[];
    details: Record<string, any>;
    warnings: Warning[];
    document_type: string | null;
    platform: string | null;
    error: Failure | null;
    result: Record<string, any> | null;
    undone: boolean;
    waiting_for: string[];
    steering: {
        op: string;
        by: string;
    } | null;
    priority: number;
    reported: boolean;
};
export type WireEvent = Record<string, any> & {
    seq: number;
    n: number | null;
    type: string;
    job_id: string | null;
    batch_id: string | null;
    message: string;
    timestamp: string;
};
/** The job's state after `event`. An event whose `n` is not the next one changes nothing.
 *  Throws when the first event is not job_created.
 *  @param {JobState|null} state  @param {WireEvent} event  @returns {JobState} */
export declare function fold(state: JobState | null, event: WireEvent): JobState;
/** Messages leave out what is null. @param {Partial<JobState>} state  @returns {JobState} */
export declare function wholeState(state: Partial<JobState>): JobState;
