/** Sends many files, each of which goes on where it broke off: so many at a time, the others wait.
 *
 *  createUploads(atOnce?) -> {send(file, options) -> {done, pause(), resume(), abort()}, active}
 *     options   as createUpload's; onProgress says {state: "queued"} until it is the file's turn
 *     active    files that are under way or wait
 *  newBatchId() -> a UUID for a batch that the server does not know yet
 */
import { createUpload } from "./resumable.js";
/** @param {number} [atOnce] */
export declare function createUploads(atOnce?: number): {
    /** @param {File} file  @param {Parameters<typeof createUpload>[1]} options */
    send(file: File, options: Parameters<typeof createUpload>[1]): {
        done: Promise<import("./resumable.js").Taken>;
        pause: () => void;
        resume: () => void;
        abort: () => Promise<void>;
    };
    readonly active: number;
};
/** crypto.randomUUID is missing where the page came over plain HTTP. */
export declare function newBatchId(): string;
