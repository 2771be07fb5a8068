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

const WARNINGS_KEPT = 50;

/** The job's state after `event`. An event whose `n` is not the next one changes nothing.
 *  Throws when the first event is not job_created.
 *  @param {JobState|null} state  @param {WireEvent} event  @returns {JobState} */
export function fold(state, event) {
  if (state === null) {
    if (event.type !== "job_created") {
      throw new Error(`a job begins with job_created, not ${event.type}`);
    }
    return first(event);
  }
  if (event.n !== state.n + 1) return state;
  const after = {
    ...state,
    n: event.n,
    last_seq: event.seq,
    updated_at: event.timestamp,
    message: event.message,
    status: event.status,
    step: event.step,
    progress: event.progress,
    estimated_time_remaining: event.estimated_time_remaining,
  };
  if (event.details && Object.keys(event.details).length > 0) {
    after.details = { ...state.details, ...event.details };
  }
  if (event.stage !== state.stage) {
    after.stage = event.stage;
    after.stages = enter(after.stages, event.stage, event.timestamp);
  }
  CHANGES[event.type]?.(after, event);
  return after;
}

/** Messages leave out what is null. @param {Partial<JobState>} state  @returns {JobState} */
export function wholeState(state) {
  const stages = (state.stages ?? []).map((stage) => ({ ...NOT_BEGUN, ...stage }));
  return /** @type {JobState} */ ({ ...NOTHING, ...state, stages });
}

const NOT_BEGUN = { started_at: null, ended_at: null };

const NOTHING = {
  batch_id: null,
  document_id: null,
  stage: null,
  step: null,
  estimated_time_remaining: null,
  started_at: null,
  completed_at: null,
  duration_ms: null,
  steps_done: [],
  details: {},
  warnings: [],
  document_type: null,
  platform: null,
  error: null,
  result: null,
  undone: false,
  waiting_for: [],
  steering: null,
  priority: 0,
  reported: false,
};

/** @param {Record<string, any>} event  @returns {JobState} */
function first(event) {
  const plan = event.plan ?? {};
  return {
    job_id: event.job_id,
    batch_id: event.batch_id,
    document_id: event.document_id,
    filename: event.filename,
    size: event.size,
    media_type: event.media_type,
    sha256: event.sha256,
    plan: plan.name ?? "",
    status: event.status,
    stage: event.stage,
    step: event.step,
    progress: event.progress,
    message: event.message,
    estimated_time_remaining: event.estimated_time_remaining,
    n: event.n,
    last_seq: event.seq,
    attempt: 1,
    created_at: event.timestamp,
    started_at: null,
    completed_at: null,
    updated_at: event.timestamp,
    duration_ms: null,
    stages: freshStages(plan),
    steps_done: [],
    details: { ...event.details },
    warnings: [],
    document_type: null,
    platform: null,
    error: null,
    result: null,
    undone: false,
    waiting_for: [],
    steering: null,
    priority: event.priority ?? 0,
    reported: event.reported ?? false,
  };
}

/** @param {Record<string, any>} plan  @returns {StageState[]} */
const freshStages = (plan) =>
  (plan?.stages ?? []).map((/** @type {Record<string, any>} */ stage) => ({
    key: stage.key,
    label: stage.label,
    start: stage.from,
    end: stage.to,
    state: "waiting",
    started_at: null,
    ended_at: null,
    summary: "",
  }));

/** @param {JobState} after  @param {Record<string, any>} event */
const withoutQuestion = (after, event) =>
  after.waiting_for.filter((id) => id !== event.clarification_id);

/** Begin the stage `key`: those before it are done, those after it wait.
 *  @param {StageState[]} stages  @param {string|null} key  @param {string} at
 *  @returns {StageState[]} */
function enter(stages, key, at) {
  const here = stages.findIndex((stage) => stage.key === key);
  if (here < 0) return stages;
  return stages.map((stage, place) => {
    if (place < here) return ended(stage, "done", at);
    if (place > here) {
      return { ...stage, state: "waiting", started_at: null, ended_at: null, summary: "" };
    }
    return { ...stage, state: "running", started_at: stage.started_at || at, ended_at: null };
  });
}

/** @param {StageState} stage  @param {"done"|"failed"|"skipped"} state  @param {string} at
 *  @returns {StageState} */
function ended(stage, state, at) {
  if (stage.state === "done" || stage.state === "skipped") return stage;
  if (stage.state === "waiting") return { ...stage, state: "skipped" };
  return { ...stage, state, ended_at: at };
}

/** @param {JobState} after  @param {Record<string, any>} event
 *  @param {"done"|"failed"|"skipped"} outcome */
function finish(after, event, outcome) {
  after.completed_at = event.timestamp;
  after.estimated_time_remaining = null;
  after.waiting_for = [];
  after.steering = null;
  if (after.started_at !== null) {
    after.duration_ms = Date.parse(event.timestamp) - Date.parse(after.started_at);
  }
  after.stages = after.stages.map((stage) =>
    stage.state === "running" || (stage.state === "waiting" && outcome === "done")
      ? ended(stage, outcome, event.timestamp)
      : stage,
  );
}

/** @param {Record<string, any>} one  @param {Record<string, any>} other */
function sameFacts(one, other) {
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key])
  );
}

/** @type {Record<string, (after: JobState, event: Record<string, any>) => void>} */
const CHANGES = {
  processing_started(after, event) {
    after.started_at = after.started_at || event.timestamp;
  },
  step_completed(after, event) {
    if (event.step && !after.steps_done.includes(event.step)) {
      after.steps_done = [...after.steps_done, event.step];
    }
    if (event.summary) {
      after.stages = after.stages.map((stage) =>
        stage.key === event.stage ? { ...stage, summary: event.summary } : stage,
      );
    }
    const details = event.details ?? {};
    if ("document_type" in details) after.document_type = details.document_type;
    if ("platform" in details) after.platform = details.platform;
  },
  plan_chosen(after, event) {
    const began = new Map(after.stages.map((stage) => [stage.key, stage]));
    after.plan = event.plan.name;
    const stages = freshStages(event.plan).map((stage) => {
      const { start, end } = stage;
      const before = began.get(stage.key);
      return before ? { ...before, start, end } : stage;
    });
    after.stages = enter(stages, event.stage, event.timestamp);
  },
  clarification_requested(after, event) {
    after.waiting_for = [...withoutQuestion(after, event), event.clarification_id];
  },
  clarification_answered(after, event) {
    after.waiting_for = withoutQuestion(after, event);
  },
  clarification_expired(after, event) {
    after.waiting_for = withoutQuestion(after, event);
  },
  processing_warning(after, event) {
    const others = after.warnings.filter((warning) => !sameFacts(warning, event.warning));
    after.warnings = [...others, { ...event.warning }].slice(-WARNINGS_KEPT);
  },
  processing_completed(after, event) {
    after.result = { ...event.result };
    finish(after, event, "done");
  },
  processing_failed(after, event) {
    after.error = { ...event.error };
    finish(after, event, "failed");
  },
  control_requested(after, event) {
    after.steering = { op: event.op, by: event.by };
  },
  job_paused(after) {
    after.steering = null;
  },
  job_resumed(after) {
    after.steering = null;
  },
  priority_changed(after, event) {
    after.priority = event.priority;
  },
  job_cancelled(after, event) {
    finish(after, event, "skipped");
  },
  job_retried(after, event) {
    after.attempt = event.attempt;
    after.error = null;
    after.result = null;
    after.completed_at = null;
    after.duration_ms = null;
    after.undone = false;
    // the stage may be the one that failed: it begins again, and those after it wait again
    after.stages = enter(after.stages, event.stage, event.timestamp);
    const from = after.steps_done.indexOf(event.from_step);
    if (from >= 0) after.steps_done = after.steps_done.slice(0, from);
  },
  job_undone(after) {
    after.undone = true;
  },
  fields_edited(after, event) {
    if (!after.result?.fields) return;
    const fields = { ...after.result.fields, ...event.fields_said };
    after.result = { ...after.result, fields, review: event.review };
  },
  rows_edited(after, event) {
    if (after.result?.rows === undefined) return;
    const { new_rows, existing_rows, review } = event;
    after.result = { ...after.result, new_rows, existing_rows, review };
  },
};
