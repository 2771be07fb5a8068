/** What every file looks like now: what the events say (see jobs.js), and what a page says itself
 *  of a file, while it is being sent and there is no job yet.
 *
 *  createFileStatusStore({now?, onGap?, forgetAfterMs?, timers?}) -> store: that of jobs.js, and
 *    forgetAfterMs   so long after its end a file is forgotten; by itself never
 *  actions     addStep(fileId, step)  updateProgress(fileId, n)  markComplete(fileId)
 *              setError(fileId, text)
 *  handlers    {onEvent, onSnapshot, onReset} for createClient: the client feeds the store
 *
 *  @typedef {import("./jobs.js").FileStatus} FileStatus
 *  @typedef {import("./jobs.js").ProcessingStep} ProcessingStep
 *  @typedef {import("./fold.js").WireEvent} WireEvent
 *  @typedef {ReturnType<typeof createFileStatusStore>} FileStatusStore
 */

import { createJobStore } from "./jobs.js";

export const STEPS_KEPT = 200;

/** @param {import("./jobs.js").JobStoreOptions & {forgetAfterMs?: number,
 *    timers?: import("./api.js").Timers}} [options] */
export function createFileStatusStore(options = {}) {
  const { forgetAfterMs = Infinity, timers, now = Date.now } = options;
  const jobs = createJobStore({ withEvent, ...options });
  const { applyEvent: onEvent, applySnapshot: onSnapshot, clearAll: onReset } = jobs;

  /** @param {string} fileId  @param {"complete"|"error"} status */
  const stepsEnded = (fileId, status) =>
    (jobs.getStatus(fileId)?.steps ?? []).map((step) => ended(step, status));

  const actions = {
    /** @param {string} fileId  @param {Partial<ProcessingStep> & {step: string}} step */
    addStep(fileId, step) {
      const steps = jobs.getStatus(fileId)?.steps ?? [];
      /** @type {ProcessingStep} */
      const whole = { status: "in_progress", message: "", timestamp: now(), ...step };
      /** @type {Partial<FileStatus>} */
      const facts = { steps: withStep(steps, whole), currentStep: whole.step };
      if (whole.message) facts.message = whole.message;
      if (whole.status === "in_progress") {
        Object.assign(facts, { phase: "running", completedAt: undefined, error: undefined });
      }
      jobs.change(fileId, facts);
      if (whole.progress !== undefined) actions.updateProgress(fileId, whole.progress);
    },

    /** @param {string} fileId  @param {number} progress */
    updateProgress(fileId, progress) {
      const before = jobs.getStatus(fileId)?.overallProgress ?? 0;
      const next = Math.min(100, Math.max(before, progress));
      if (next !== before || !jobs.getStatus(fileId)) jobs.change(fileId, { overallProgress: next });
    },

    /** @param {string} fileId */
    markComplete(fileId) {
      const steps = stepsEnded(fileId, "complete");
      jobs.change(fileId, {
        steps,
        phase: "done",
        overallProgress: 100,
        completedAt: now(),
        error: undefined,
      });
    },

    /** @param {string} fileId  @param {string} text */
    setError(fileId, text) {
      const steps = stepsEnded(fileId, "error");
      jobs.change(fileId, { steps, phase: "failed", error: text, completedAt: now() });
    },

    handlers: { onEvent, onSnapshot, onReset },
  };
  if (forgetAfterMs < Infinity) forgetting(jobs, forgetAfterMs, timers);
  return Object.assign(jobs, actions);
}

/** @param {ProcessingStep} step  @param {"complete"|"error"} status */
const ended = (step, status) => (step.status === "in_progress" ? { ...step, status } : step);

/** A step under way that is told again is brought up to date; another one ends it.
 *  @param {ProcessingStep[]} steps  @param {ProcessingStep} step */
function withStep(steps, step) {
  const last = steps.at(-1);
  if (last?.status === "in_progress" && last.step === step.step) {
    return [...steps.slice(0, -1), { ...last, ...step }];
  }
  const before = last ? [...steps.slice(0, -1), ended(last, "complete")] : [];
  return [...before, step].slice(-STEPS_KEPT);
}

/** @type {Record<string, ProcessingStep["status"]>} */
const STEP_STATUS = {
  processing_started: "in_progress",
  step_started: "in_progress",
  processing_progress: "in_progress",
  processing_failed: "error",
};

/** @param {ProcessingStep[]} steps  @param {WireEvent} event */
function withEvent(steps, event) {
  const ends = event.type === "processing_failed" || event.type === "job_cancelled";
  const kept = ends ? steps.map((step) => ended(step, "error")) : steps;
  const { n, seq, type, stage, details, warning } = event;
  return withStep(kept, {
    step: event.step ?? event.type,
    message: event.message,
    status: STEP_STATUS[event.type] ?? "complete",
    timestamp: Date.parse(event.timestamp),
    progress: event.progress,
    extra: { n, seq, type, stage, details, ...(warning && { warning }) },
  });
}

const TIMERS = {
  /** @param {() => void} run  @param {number} ms */
  set(run, ms) {
    /** @type {any} */
    const clock = setTimeout(run, ms);
    clock.unref?.(); // a program under Node may end before
  },
};

/** Forget each file some time after its end, unless it is begun again meanwhile.
 *  @param {import("./jobs.js").JobStore} jobs  @param {number} afterMs
 *  @param {Pick<import("./api.js").Timers, "set">} [timers] */
function forgetting(jobs, afterMs, timers = TIMERS) {
  /** When those ended that are waited for. @type {Map<string, number>} */
  const leaving = new Map();
  jobs.subscribe("*", (/** @type {FileStatus|undefined} */ status, /** @type {string} */ fileId) => {
    const completedAt = status?.completedAt;
    if (completedAt === undefined) leaving.delete(fileId);
    else if (leaving.get(fileId) !== completedAt) {
      leaving.set(fileId, completedAt);
      timers.set(() => {
        if (leaving.get(fileId) === completedAt) jobs.clearStatus(fileId);
      }, afterMs);
    }
  });
}
