/* An upload by tus-js-client, which others wrote: node resumable.js URL TOKEN FILE STOP_AT
 * Ends itself when STOP_AT bytes are accepted (0: never), and goes on with what it finds begun before. */

import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";

import { FileUrlStorage, Upload } from "tus-js-client";

const [endpoint, token, path, stopAt] = process.argv.slice(2);
const say = (word, facts = {}) => process.stdout.write(`${JSON.stringify({ word, ...facts })}\n`);

const upload = new Upload(createReadStream(path), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: basename(path), options: '{"name": "By another client"}' },
  uploadSize: statSync(path).size,
  chunkSize: 64 * 1024,
  retryDelays: [0, 50, 100, 200, 400, 800, 1600, 3200],
  urlStorage: new FileUrlStorage(`${path}.uploads`),
  onChunkComplete(_size, accepted, total) {
    if (Number(stopAt) && accepted >= Number(stopAt)) {
      say("stopped", { accepted, total });
      process.exit(0);
    }
  },
  onAfterResponse(request, response) {
    const job = response.getHeader("Livetrail-Job");
    say(request.getMethod(), { status: response.getStatus(), job });
  },
  onSuccess: () => say("done", { url: upload.url }),
  onError: (error) => {
    say("failed", { error: String(error) });
    process.exitCode = 1;
  },
});
for (const earlier of await upload.findPreviousUploads()) upload.resumeFromPreviousUpload(earlier);
upload.start();
