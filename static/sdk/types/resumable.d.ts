/** Sends one file that goes on where it broke off: after a lost connection, a pause, a reload.
 *
 *  createUpload(file, options?) -> {done, pause(), resume(), abort(), state}
 *  options
 *    server      "https://files.example.org"; "" for the page's own
 *    headers     what authorises, where no cookie does: {Authorization: "Bearer ..."}, or a function
 *    options     the batch's options: name, on_duplicate …
 *    batchId     a batch the file belongs to: a UUID of yours, or one that there is
 *    anyBatch    true: what was begun for another batch goes on there; `done` says which it is
 *    paused      true: it begins with resume()
 *    onProgress  ({state, sent, total, percent})
 *                state: "sending"|"paused"|"waiting" (for the connection)|"done"|"failed"
 *    storage     where it is remembered which file came how far: localStorage; null for nowhere
 *    fetch, timers, random, now, sizes, sendWhole   handed in by tests
 *  done     promise of {job_id, batch_id}; rejects with ProblemError ("cancelled" after abort())
 *
 *  A file is known again by its name, size, type and time: choose it again after a reload, and it
 *  goes on. A lost connection is waited for as long as it takes. A server without resumable uploads
 *  gets it in one request, which a pause ends and `resume` begins anew.
 */
import { createUploader } from "./upload.js";
export type UploadState = "queued" | "sending" | "paused" | "waiting" | "done" | "failed";
export type Progress = {
    state: UploadState;
    sent: number;
    total: number;
    percent: number;
};
export type Taken = {
    job_id: string;
    batch_id: string;
};
export type Memory = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;
export type Upload = ReturnType<typeof createUpload>;
/** @param {File} file
 *  @param {{server?: string, options?: Record<string, any>|null, batchId?: string|null,
 *    anyBatch?: boolean, paused?: boolean,
 *    headers?: Record<string, string>|import("./tus.js").Headers,
 *    onProgress?: (progress: Progress) => void, storage?: Memory|null,
 *    fetch?: typeof globalThis.fetch, timers?: import("./api.js").Timers, random?: () => number,
 *    now?: () => number, sizes?: {first: number, least: number, most: number},
 *    sendWhole?: typeof createUploader}} [given] */
export declare function createUpload(file: File, given?: {
    server?: string;
    options?: Record<string, any> | null;
    batchId?: string | null;
    anyBatch?: boolean;
    paused?: boolean;
    headers?: Record<string, string> | import("./tus.js").Headers;
    onProgress?: (progress: Progress) => void;
    storage?: Memory | null;
    fetch?: typeof globalThis.fetch;
    timers?: import("./api.js").Timers;
    random?: () => number;
    now?: () => number;
    sizes?: {
        first: number;
        least: number;
        most: number;
    };
    sendWhole?: typeof createUploader;
}): {
    done: Promise<Taken>;
    pause(): void;
    resume(): void;
    /** Give it up: the server forgets what it has. */
    abort(): Promise<void>;
    readonly state: UploadState;
};
