/** Reads jobs (one {"job", "now", "row", "names"} a line) and writes what the page shows of each.
 *  Run by test_views.py. */

import { createInterface } from "node:readline";
import { jobView, tally } from "../../../static/js/ui/job-view.js";
import { facts, noRows, undoText } from "../../../static/js/ui/result.js";
import { tableRow } from "../../../static/js/ui/rows-pane.js";
import { elapsed, stageItems } from "../../../static/js/ui/stage-list.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { job, now, row, names, jobs } = JSON.parse(line);
  const { percent, headline, aside } = tally(jobs.map((one) => jobView(one)));
  const shown = {
    view: jobView(job),
    stages: stageItems(job, now),
    facts: facts(job),
    undo: undoText(job),
    none: [0, 3].map((known) => noRows(job, known)),
    elapsed: elapsed(job, now),
    row: tableRow(row, new Map(Object.entries(names))),
    tally: [percent, headline, aside],
  };
  console.log(JSON.stringify(shown));
}
