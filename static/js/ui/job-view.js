/** A job's state as a person sees it in a list. Pure: app/web/jobview.py, in JavaScript.
 *
 *  jobView(job, left?) -> View      left: what stands for the time left; from the job by default
 *  chipOf(view) -> "needs" | "run" | "wait" | "done" | "stop"
 *  tally(views) -> {percent, headline, aside}
 *
 *  A test gives both the same states and compares what comes out, so that a row does not change
 *  its words when the script takes it over.
 *
 *  @typedef {{job_id: string, name: string, kind: string, meta: string, state: string,
 *    group: string, slim: boolean, message: string, stage: string, count: string, percent: number,
 *    spoken: string, when: string, at: string, summary: string, tags: [string, string][],
 *    segments: {label: string, state: string, weight: number, fill: number}[],
 *    failure: {title: string, kept: string, hint: string, code: string, retry: string}|null,
 *    can_cancel: boolean, can_pause: boolean, can_resume: boolean}} View
 *  @typedef {import("../../sdk/fold.js").JobState} JobState
 */

import { amountText, formatBytes, formatCount, formatDuration, formatLeft, plural } from "../../sdk/format.js";

const STATES = {
  pending: "wait",
  processing: "run",
  paused: "pause",
  waiting: "ask",
  completed: "done",
  error: "fail",
  cancelled: "stop",
};
const GROUPS = {
  ask: "needs",
  fail: "needs",
  wait: "progress",
  run: "progress",
  pause: "progress",
  done: "done",
  stop: "done",
};
const WORDS = {
  wait: "waiting",
  run: "running",
  pause: "paused",
  ask: "needs an answer",
  done: "done",
  fail: "failed",
  stop: "stopped",
};
/** Said while it is asked for and not done yet. */
const STEERING = { pause: "Pausing...", cancel: "Stopping..." };
/** Which details count a step's rows. `processed` alone may still be the scan's bytes. */
const ROWS = ["rows_done", "rows_total"];
const UNITS = ["processed", "total"];
const COUNTS = {
  extracting: ROWS,
  delta_analysis: ROWS,
  storing: ROWS,
  entity_resolution: UNITS,
  classification: UNITS,
};
const SMALLEST_FILL = 4;

/** @param {JobState} job  @param {string} [left]  @returns {View} */
export function jobView(job, left = formatLeft(job.estimated_time_remaining, job.details.eta_range)) {
  const state = job.undone ? "stop" : (STATES[job.status] ?? "wait");
  const group = GROUPS[state];
  const stage = job.stages.find((one) => one.key === job.stage)?.label ?? "";
  const [when, at] = whenOf(job, state, left);
  return {
    job_id: job.job_id,
    name: job.filename,
    kind: kindOf(job.filename),
    meta: metaOf(job),
    state,
    group,
    slim: state === "wait" || state === "done" || state === "stop",
    message: STEERING[job.steering?.op] ?? job.message,
    stage,
    count: countOf(job, state),
    percent: Math.floor(job.progress),
    spoken: [
      `${Math.floor(job.progress)} percent`,
      stage.toLowerCase(),
      state === "run" ? left : WORDS[state],
    ]
      .filter(Boolean)
      .join(", "),
    when,
    at,
    summary: summaryOf(job, state),
    tags: tagsOf(job),
    segments: job.stages.map((one) => segment(one, job.progress)),
    failure: failureOf(job, stage),
    can_cancel: group === "progress" || state === "ask",
    can_pause: !job.steering && state !== "pause" && (group === "progress" || state === "ask"),
    can_resume: state === "pause",
  };
}

export function kindOf(filename) {
  const dot = filename.lastIndexOf(".");
  const ending = filename.slice(dot + 1);
  return dot >= 0 && /^[\p{L}\p{N}]{1,4}$/u.test(ending) ? ending.toUpperCase() : "FILE";
}

const isCount = (value) => Number.isInteger(value);
const fact = (job, key) => (isCount(job.result?.[key]) ? job.result[key] : 0);

export function metaOf(job) {
  const rows = job.result?.rows ?? job.details.rows;
  if (job.reported && !job.size) return isCount(rows) ? plural(rows, "row") : "";
  const size = formatBytes(job.size);
  return isCount(rows) ? `${plural(rows, "row")} · ${size}` : size;
}

function segment(stage, progress) {
  const weight = stage.end - stage.start;
  let fill = stage.state === "done" ? 100 : 0;
  if (stage.state === "running" || stage.state === "failed") {
    const done = weight ? ((progress - stage.start) / weight) * 100 : 0;
    fill = Math.min(100, Math.max(SMALLEST_FILL, Math.round(done * 10) / 10));
  }
  return { label: stage.label, state: stage.state, weight, fill };
}

function countOf(job, state) {
  if (state === "fail") return job.attempt > 1 ? `attempt ${job.attempt}` : "";
  const keys = COUNTS[job.step];
  if (state !== "run" || !keys) return "";
  const [done, total] = keys.map((key) => job.details[key]);
  if (!isCount(done)) return "";
  if (isCount(total) && total >= done) return `${formatCount(done)} of ${plural(total, "row")}`;
  return plural(done, "row");
}

function whenOf(job, state, left) {
  const ended = job.completed_at ?? job.updated_at;
  if (state === "run") return [left, ""];
  if (state === "done") {
    return [job.duration_ms === null ? "" : `${formatDuration(job.duration_ms)} · `, ended];
  }
  if (state === "fail") return ["failed ", ended];
  if (state === "stop") return job.undone ? ["undone ", job.updated_at] : ["cancelled ", ended];
  return [WORDS[state], ""];
}

function summaryOf(job, state) {
  if (state === "wait") return job.n > 1 || job.reported ? job.message : "Waiting for its turn";
  if (job.undone) return "Taken back; nothing of it is stored";
  if (state === "stop") return `Cancelled at ${Math.floor(job.progress)}%`;
  if (state !== "done") return "";
  if (job.reported) {
    return typeof job.result?.summary === "string" ? job.result.summary : job.message;
  }
  if (isCount(job.result?.zones)) return documentSummary(job.result);
  const added = fact(job, "new_rows");
  const known = fact(job, "existing_rows");
  if (job.result?.duplicate_of || (!added && known)) return "Nothing new to store";
  if (known) return `${plural(added, "new row")}, ${formatCount(known)} known`;
  return `${plural(added, "row")} stored`;
}

function documentSummary({ fields = {}, pages = 0, zones }) {
  const { invoice_number: number, total_amount: total, currency } = fields;
  const said = [number && `No. ${number}`, total && `${amountText(total)} ${currency ?? ""}`.trim()];
  return said.filter(Boolean).join(" · ") || `${plural(pages, "page")}, ${plural(zones, "zone")}`;
}

const sameAs = ({ near }) => (near?.length ? "Same document" : "Exact match");

function tagsOf(job) {
  const tags = [];
  if (job.reported) return tags; // its result is its worker's, whatever it is called
  if (job.undone) tags.push(["", "Undone"]);
  else if (job.result?.duplicate_of) tags.push(["dup", sameAs(job.result)]);
  else if (fact(job, "existing_rows")) tags.push(["dup", "Overlaps"]);
  else if (job.result?.near?.length) tags.push(["dup", "Like another"]);
  const review = job.undone || !job.result?.zones ? 0 : fact(job, "review");
  if (review) tags.push(["warn", `${formatCount(review)} to check`]);
  const rejected = job.undone ? 0 : fact(job, "rejected");
  if (rejected) tags.push(["warn", `${formatCount(rejected)} not read`]);
  return tags;
}

function failureOf(job, stage) {
  const { error } = job;
  if (!error) return null;
  const retry = stage && !job.reported ? `Retry from ${stage.toLowerCase()}` : "Retry";
  return {
    title: error.title,
    kept: error.detail,
    hint: error.hint,
    code: error.code,
    retry: error.retryable ? retry : "",
  };
}

/** @param {View} view */
export function chipOf(view) {
  if (view.group === "needs") return "needs";
  return view.state === "pause" ? "wait" : view.state;
}

/** @param {View[]} views */
export function tally(views) {
  const all = views.length;
  if (all === 0) return { percent: 0, headline: "", aside: "" };
  const count = { done: 0, needs: 0, progress: 0, aside: 0 };
  let sum = 0;
  for (const { group, state, percent } of views) {
    count[group === "done" && state !== "done" ? "aside" : group] += 1;
    sum += group === "done" ? 100 : percent;
  }
  const { done, needs, progress, aside } = count;
  if (done === all) {
    const headline = all === 1 ? "The file is done." : `All ${formatCount(all)} files are done.`;
    return { percent: 100, headline, aside: "" };
  }
  const parts = [];
  if (progress) parts.push(`${formatCount(progress)} ${progress === 1 ? "is" : "are"} on the way`);
  if (needs) parts.push(`${plural(needs, "file")} ${needs === 1 ? "needs" : "need"} you`);
  if (aside) parts.push(`${formatCount(aside)} ${aside === 1 ? "was" : "were"} set aside`);
  const said = parts.join("; ");
  return {
    percent: Math.floor(sum / all),
    headline: `${formatCount(done)} of ${plural(all, "file")} ${done === 1 || all === 1 ? "is" : "are"} done.`,
    aside: `${said[0].toUpperCase()}${said.slice(1)}.`,
  };
}
