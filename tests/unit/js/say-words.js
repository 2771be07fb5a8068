/** Reads [function name, argument] a line and writes what format.js says. Run by
 *  test_javascript.py, which asks app/web/words.py the same. */

import { createInterface } from "node:readline";
import * as format from "../../../static/sdk/format.js";

for await (const line of createInterface({ input: process.stdin })) {
  const [name, argument] = JSON.parse(line);
  console.log(JSON.stringify(format[name](argument)));
}
