/** One job or batch with its readers' answers and its questions: system C's hook. */

import { useEffect, useMemo, useState } from "react";

import { createFileStatusStore } from "../store.js";
import { useLine, useStored } from "./line.js";

/** @typedef {{modelName: string, provider: string, status: string, duration: number,
 *    result: Record<string, any>|null, error: string|null, timestamp: string}} SessionModelResult
 *    duration: milliseconds
 *  @typedef {{clarificationId: string, question: string, choices: {value: any, label: string}[],
 *    status: "pending"|"answered", timestamp: string}} SessionClarification
 *  @typedef {{sessionId: string, status: "ACTIVE"|"PROCESSING"|"COMPLETED"|"FAILED"|"EXPIRED",
 *    progress: number, prompts: {total: number, completed: number, processing: number,
 *    pending: number, failed: number}, hasClarifications: boolean, clarificationCount: number,
 *    hasResult: boolean, result: Record<string, any>|null}} SessionProgress */

/** @type {any[]} */
const NONE = [];
/** @type {Record<string, SessionProgress["status"]>} */
const STATUS = { pending: "ACTIVE", completed: "COMPLETED", error: "FAILED", cancelled: "EXPIRED" };

/** @param {string|null} sessionId  a job's or a batch's id
 *  @param {import("./line.js").SharedOptions} [options] */
export function useSessionWebSocket(sessionId, options = {}) {
  // what another session came to is no part of this one
  const store = useMemo(() => createFileStatusStore(), [sessionId]);
  const [modelResults, setModelResults] = useState(/** @type {SessionModelResult[]} */ (NONE));
  const [clarifications, setClarifications] = useState(/** @type {SessionClarification[]} */ (NONE));
  const { member, isConnected } = useLine(
    { ...options, store },
    sessionId === null ? null : `job:${sessionId}`,
    0,
  );

  useEffect(() => {
    setModelResults(NONE);
    setClarifications(NONE);
    return store.follow((event) => {
      if (event.type === "model_result") {
        setModelResults((before) => [...before, resultOf(event)]);
      } else if (event.type.startsWith("clarification_")) {
        setClarifications((before) => withQuestion(before, event));
      }
    });
  }, [store]);

  // an id says not what it is of
  useEffect(
    () =>
      member?.onError(({ id, code }) => {
        if (id === `job:${sessionId}` && code === "not_found") {
          member.client.follow(`batch:${sessionId}`, 0);
        }
      }),
    [member, sessionId],
  );

  const statuses = useStored(store, (all) => all.getAllStatuses(), NONE);
  const progress = useMemo(
    () => (sessionId === null ? null : progressOf(sessionId, statuses)),
    [sessionId, statuses],
  );
  return {
    socket: member?.client ?? null,
    isConnected,
    progress,
    modelResults,
    clarifications,
    isCompleted: progress?.status === "COMPLETED",
  };
}

/** Prompts are the steps of one job, or the jobs of a batch.
 *  @param {string} sessionId  @param {import("../store.js").FileStatus[]} statuses
 *  @returns {SessionProgress|null} */
export function progressOf(sessionId, statuses) {
  const jobs = statuses.flatMap(({ job }) => (job ? [job] : []));
  if (jobs.length === 0) return null;
  const one = jobs.find((job) => job.job_id === sessionId);
  const asked = jobs.reduce((sum, job) => sum + (job.waiting_for?.length ?? 0), 0);
  const states = one
    ? one.stages.map(({ state }) => state)
    : jobs.map(({ status }) => OF_JOB[status] ?? "running");
  /** @param {string[]} wanted */
  const count = (...wanted) => states.filter((state) => wanted.includes(state)).length;
  const status = one ? (STATUS[one.status] ?? "PROCESSING") : ofAll(jobs);
  const result = one ? one.result : null;
  return {
    sessionId,
    status,
    progress: jobs.reduce((sum, job) => sum + job.progress, 0) / jobs.length,
    prompts: {
      total: states.length,
      completed: count("done", "skipped"),
      processing: count("running"),
      pending: count("waiting"),
      failed: count("failed"),
    },
    hasClarifications: asked > 0,
    clarificationCount: asked,
    hasResult: result !== null,
    result,
  };
}

/** @type {Record<string, string>} */
const OF_JOB = { pending: "waiting", completed: "done", error: "failed", cancelled: "failed" };

/** @param {import("../fold.js").JobState[]} jobs  @returns {SessionProgress["status"]} */
function ofAll(jobs) {
  const all = new Set(jobs.map(({ status }) => status));
  if (all.size === 1 && all.has("pending")) return "ACTIVE";
  if (["pending", "processing", "paused", "waiting"].some((status) => all.has(status))) {
    return "PROCESSING";
  }
  return all.has("error") ? "FAILED" : "COMPLETED";
}

/** @param {Record<string, any>} event  @returns {SessionModelResult} */
const resultOf = (event) => ({
  modelName: event.model_name,
  provider: event.provider,
  status: event.model_status,
  duration: event.duration_ms,
  result: event.result,
  error: event.error,
  timestamp: event.timestamp,
});

/** @param {SessionClarification[]} before  @param {Record<string, any>} event
 *  @returns {SessionClarification[]} */
function withQuestion(before, event) {
  /** @type {SessionClarification} */
  const question = {
    clarificationId: event.clarification_id,
    question: event.question,
    choices: event.choices,
    status: event.type === "clarification_requested" ? "pending" : "answered",
    timestamp: event.timestamp,
  };
  const others = before.filter((one) => one.clarificationId !== question.clarificationId);
  return [...others, question];
}
