/** Reads {"status", "facts", "entries"} a line and writes what the operations page shows of it.
 *  Run by test_opsview.py. */

import { createInterface } from "node:readline";
import { actor, connectionLine, factsText, figures, partDetails } from "../../../static/js/ui/connections.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { status, facts, entries } = JSON.parse(line);
  const shown = {
    lines: status.connections.map((one) => connectionLine(one, status.now)),
    figures: figures(status),
    facts: factsText(facts),
    parts: partDetails(status),
    who: entries.map(actor),
  };
  console.log(JSON.stringify(shown));
}
