/** How far one upload is: system D's hook. */

import { createFileStatusStore } from "../store.js";
import { useLine, useStored } from "./line.js";
import { useMemo } from "react";

/** @typedef {import("../store.js").FileStatus} FileStatus
 *  @typedef {{progress: number, status: "connected"|"processing"|"completed"|"error",
 *    stage: string|null, message: string, details: Record<string, any>, error: string|null,
 *    files: FileStatus[]}} UploadStatus */

/** @type {UploadStatus} */
const NOTHING_YET = {
  progress: 0,
  status: "connected",
  stage: null,
  message: "",
  details: {},
  error: null,
  files: [],
};

/** @param {string|null} batchId  null: there is none yet
 *  @param {string|null} [token]  a listen-only token; none: the page's cookie
 *  @param {import("./line.js").SharedOptions} [options]
 *  @returns {UploadStatus & {isConnected: boolean}} */
export function useUploadProgress(batchId, token, options = {}) {
  // another upload's files are none of this one's
  const store = useMemo(() => createFileStatusStore(), [batchId]);
  const { isConnected } = useLine(
    { ...options, ...(token ? { token } : {}), store },
    batchId === null ? null : `batch:${batchId}`,
  );
  const files = useStored(store, (all) => all.getAllStatuses(), NOTHING_YET.files);
  return { ...summed(files), isConnected };
}

/** Several files are one upload: its progress is their mean, and it is over when all of them are.
 *  @param {FileStatus[]} files  @returns {UploadStatus} */
export function summed(files) {
  if (files.length === 0) return NOTHING_YET;
  const newest = files.reduce((one, other) => (other.seq > one.seq ? other : one));
  const open = files.filter(({ job }) => !job || !OVER.has(job.status));
  const failed = files.find(({ job }) => job?.status === "error");
  const progress = files.reduce((sum, file) => sum + share(file), 0) / files.length;
  return {
    progress: Math.round(progress * 10) / 10,
    status: open.length > 0 ? "processing" : failed ? "error" : "completed",
    stage: newest.job?.stage ?? null,
    message: newest.message,
    details: newest.job?.details ?? {},
    error: failed?.error ?? null,
    files,
  };
}

const OVER = new Set(["completed", "error", "cancelled"]);
/** @param {FileStatus} file */
const share = ({ job, overallProgress }) => (job && OVER.has(job.status) ? 100 : overallProgress);
