/** The kit's upload under Node, against a running server. Run by
 *  tests/integration/test_kit_uploads.py:
 *
 *  LIVETRAIL_URL, LIVETRAIL_TOKEN   where, who
 *  LIVETRAIL_FILE                   what
 *  LIVETRAIL_MEMORY                 a file that stands in for the browser's localStorage
 *
 *  Writes a JSON object a line: {state, sent, total}, and at the end {job_id, batch_id}.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { createUpload } from "../../../static/sdk/resumable.js";

const { LIVETRAIL_URL: server, LIVETRAIL_TOKEN: token, LIVETRAIL_FILE: path } = process.env;
const { LIVETRAIL_MEMORY: memory } = process.env;
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const kept = existsSync(memory) ? JSON.parse(readFileSync(memory, "utf8")) : {};
const write = () => writeFileSync(memory, JSON.stringify(kept));
const storage = {
  get length() {
    return Object.keys(kept).length;
  },
  key: (place) => Object.keys(kept)[place] ?? null,
  getItem: (name) => kept[name] ?? null,
  setItem(name, value) {
    kept[name] = value;
    write();
  },
  removeItem(name) {
    delete kept[name];
    write();
  },
};

const file = new File([readFileSync(path)], basename(path), { type: "text/csv", lastModified: 1 });
const upload = createUpload(file, {
  server,
  storage,
  headers: { Authorization: `Bearer ${token}` },
  sizes: { first: 65_536, least: 65_536, most: 65_536 },
  options: { name: "From the kit" },
  onProgress: say,
});
say(await upload.done);
