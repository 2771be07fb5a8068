/** Reads {"question", "export", "field"} a line and writes what the page says of each. Run by
 *  test_views.py, which asks the server's own views the same. */

import { createInterface } from "node:readline";
import { sureness } from "../../../static/js/ui/document-pane.js";
import { exportWords } from "../../../static/js/ui/exports.js";
import { cardFacts } from "../../../static/js/ui/questions.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { question, exported, field } = JSON.parse(line);
  const said = { card: cardFacts(question), exported: exportWords(exported), field: sureness(field) };
  console.log(JSON.stringify(said));
}
