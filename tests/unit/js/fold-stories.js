/** Reads stories (one JSON list of events a line) and writes what the page makes of each:
 *  {"job": the folded state, "status": what the store shows}. Run by test_javascript.py. */

import { createInterface } from "node:readline";
import { fold } from "../../../static/sdk/fold.js";
import { createFileStatusStore } from "../../../static/sdk/store.js";

for await (const line of createInterface({ input: process.stdin })) {
  const events = JSON.parse(line);
  const store = createFileStatusStore({ now: () => 0 });
  let job = null;
  for (const event of events) {
    job = fold(job, event);
    store.applyEvent(event);
  }
  const { overallProgress, phase, attempt, seq, n, error, stages, job: kept } =
    store.getStatus(job.job_id);
  const status = { overallProgress, phase, attempt, seq, n, error, stages };
  const same = JSON.stringify(kept) === JSON.stringify(job);
  console.log(JSON.stringify({ job, status, same }));
}
