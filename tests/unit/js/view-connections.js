/** Reads {"status", "facts"} a line and writes what the operations page shows of it.
 *  Run by test_opsview.py. */

import { createInterface } from "node:readline";
import { connectionLine, factsText, figures } from "../../../static/js/ui/connections.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { status, facts } = JSON.parse(line);
  const shown = {
    lines: status.connections.map((one) => connectionLine(one, status.now)),
    figures: figures(status),
    facts: factsText(facts),
  };
  console.log(JSON.stringify(shown));
}
