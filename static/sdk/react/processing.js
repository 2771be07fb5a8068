/** Give files and see each of them through: system B's hook. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { createFileStatusStore } from "../store.js";
import { createUploader } from "../upload.js";
import { useLine, useStored } from "./line.js";

/** @typedef {{type: "progress"|"stage_start"|"stage_complete"|"error"|"complete", task_id: string,
 *    progress: number, stage: string|null, message: string, timestamp: number}} ProcessingUpdate
 *    timestamp: seconds since the epoch
 *  @typedef {{task_id: string, filename: string,
 *    status: "pending"|"processing"|"completed"|"error", progress: number, stage: string|null,
 *    updates: ProcessingUpdate[], result: Record<string, any>|null,
 *    error: string|null}} FileProcessingState
 *  @typedef {{auto_save?: boolean, confidence_threshold?: number, model_provider?: string,
 *    [option: string]: any}} ProcessingOptions */

const UPDATES_KEPT = 500;
/** @type {Record<string, FileProcessingState["status"]>} */
const STATUS = { pending: "pending", completed: "completed", error: "error", cancelled: "error" };
/** @type {Record<string, ProcessingUpdate["type"]>} */
const TYPE = {
  step_started: "stage_start",
  step_completed: "stage_complete",
  processing_failed: "error",
  job_cancelled: "error",
  processing_completed: "complete",
};
/** @type {any[]} */
const NONE = [];

/** @param {import("./line.js").SharedOptions & {uploader?: ReturnType<typeof createUploader>,
 *    headers?: Record<string, string>}} [options]
 *    headers: what authorises uploads, where no cookie does */
export function useAsyncProcessing(options = {}) {
  const { uploader: given, headers, ...listening } = options;
  const { server = "" } = listening;
  const [store] = useState(() => createFileStatusStore());
  const [tasks, setTasks] = useState(/** @type {string[]} */ ([]));
  const updates = useRef(/** @type {Map<string, ProcessingUpdate[]>} */ (new Map()));
  const { member, isConnected } = useLine({ ...listening, store }, "user:me");
  const statuses = useStored(store, (all) => all.getAllStatuses(), NONE);

  useEffect(
    () =>
      store.follow((event, status) => {
        if (!status) return;
        const before = updates.current.get(status.fileId) ?? [];
        updates.current.set(status.fileId, [...before, updateOf(event)].slice(-UPDATES_KEPT));
      }),
    [store],
  );

  const uploader = useMemo(
    () => given ?? createUploader({ url: `${server}/api/v1/batches`, ...(headers ? { headers } : {}) }),
    [given, server, headers],
  );

  const startBatchProcessing = useCallback(
    /** Give files; what happens to them comes by itself, also when there is no connection just now.
     *  @param {File[]} files  @param {ProcessingOptions} [wishes]  @returns {Promise<string[]>} */
    async (files, { model_provider: model, ...wishes } = {}) => {
      const asked = { ...wishes, ...(model ? { models: [model] } : {}) };
      const taken = await uploader.send(files, { options: asked }).done;
      const ids = taken.jobs.map((job) => job.job_id);
      member?.client.follow(`batch:${taken.batch_id}`, 0);
      setTasks((before) => [...before, ...ids]);
      return ids;
    },
    [uploader, member],
  );
  const startSingleProcessing = useCallback(
    /** @param {File} file  @param {ProcessingOptions} [wishes] */
    async (file, wishes) => (await startBatchProcessing([file], wishes))[0],
    [startBatchProcessing],
  );
  const resetProcessing = useCallback(() => {
    updates.current.clear();
    setTasks([]);
  }, []);

  const filesMap = useMemo(() => {
    /** @type {Map<string, FileProcessingState>} */
    const found = new Map();
    for (const id of tasks) {
      found.set(id, stateOf(id, store.getStatus(id), updates.current.get(id) ?? NONE));
    }
    return found;
  }, [tasks, statuses, store]);
  const files = useMemo(() => [...filesMap.values()], [filesMap]);

  return {
    isConnected,
    files,
    filesMap,
    startBatchProcessing,
    startSingleProcessing,
    resetProcessing,
  };
}

/** @param {import("../types.js").WireEvent} event  @returns {ProcessingUpdate} */
function updateOf(event) {
  return {
    type: TYPE[event.type] ?? "progress",
    task_id: event.job_id ?? "",
    progress: event.progress ?? 0,
    stage: event.stage,
    message: event.message,
    timestamp: Date.parse(event.timestamp) / 1000,
  };
}

/** @param {string} id  @param {import("../store.js").FileStatus|undefined} status
 *  @param {ProcessingUpdate[]} updates  @returns {FileProcessingState} */
function stateOf(id, status, updates) {
  const job = status?.job;
  return {
    task_id: id,
    filename: status?.filename ?? "",
    status: job ? (STATUS[job.status] ?? "processing") : "pending",
    progress: status?.overallProgress ?? 0,
    stage: job?.stage ?? null,
    updates,
    result: job?.result ?? null,
    error: status?.error ?? (job?.status === "cancelled" ? job.message : null),
  };
}
