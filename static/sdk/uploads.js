/** Sends many files, each of which goes on where it broke off: so many at a time, the others wait.
 *
 *  createUploads(atOnce?) -> {send(file, options) -> {done, pause(), resume(), abort()}, active}
 *     options   as createUpload's; onProgress says {state: "queued"} until it is the file's turn
 *     active    files that are under way or wait
 *  newBatchId() -> a UUID for a batch that the server does not know yet
 */

import { randomKey } from "./api.js";
import { createUpload } from "./resumable.js";

/** @param {number} [atOnce] */
export function createUploads(atOnce = 2) {
  /** @type {(() => void)[]} */
  const waiting = [];
  let active = 0;

  function next() {
    while (active < atOnce && waiting.length > 0) {
      active += 1;
      waiting.shift()?.();
    }
  }

  return {
    /** @param {File} file  @param {Parameters<typeof createUpload>[1]} options */
    send(file, options) {
      let isBegun = false;
      const upload = createUpload(file, { ...options, paused: true });
      const begin = () => {
        isBegun = true;
        upload.resume();
      };
      const done = upload.done.finally(() => {
        if (isBegun) active -= 1;
        else waiting.splice(waiting.indexOf(begin), 1);
        next();
      });
      options?.onProgress?.({ state: "queued", sent: 0, total: file.size, percent: 0 });
      waiting.push(begin);
      next();
      const { pause, resume, abort } = upload;
      return { done, pause, resume, abort };
    },
    get active() {
      return active + waiting.length;
    },
  };
}

/** crypto.randomUUID is missing where the page came over plain HTTP. */
export function newBatchId() {
  const hex = randomKey();
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join("-");
}
