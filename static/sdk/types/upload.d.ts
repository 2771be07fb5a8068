/** Sends several files in one request to POST /api/v1/batches, and tells how far each is. For one
 *  file that goes on where it broke off, see resumable.js.
 *
 *  createUploader({url?, atOnce = 2, XMLHttpRequest?, FormData?, newKey?}) -> uploader
 *  uploader.send(files, {options?, onProgress?, key?}) -> {done, cancel(), state}
 *     done        promise of {batch_id, jobs: [{job_id, filename, size, sha256, status}]};
 *                 rejects with ProblemError (upload_too_large, storage_full, offline, cancelled …)
 *     options     the batch's options: name, on_duplicate …
 *     key         the request's Idempotency-Key: where its answer was lost, the same files under the
 *                 same key are not taken twice
 *     onProgress  ({state: "queued"|"sending"|"storing"|"done"|"failed", sent, total, percent,
 *                  files: [{name, size, sent, percent}]})    bytes; also once at each change of state
 *  uploader.active   requests under way; more than `atOnce` wait their turn
 *  uploadWords(progress) -> "Sent 31 MB of 48 MB"
 *  checkFiles(files, {maxBytes?, maxFiles?}) -> {accepted: File[], refused: [{file, code, text}]}
 *
 *  One request is one batch. The order of its parts is the order of `files`, so a file's share is
 *  known from the bytes sent: what precedes it is sent before it.
 */
/** What can be known before a byte is sent. Whether the contents are fit, the server says.
 *  @param {Iterable<File>} files  @param {{maxBytes?: number, maxFiles?: number}} limits */
export declare function checkFiles(files: Iterable<File>, { maxBytes, maxFiles }?: {
    maxBytes?: number;
    maxFiles?: number;
}): {
    accepted: File[];
    refused: {
        file: File;
        code: string;
        text: string;
    }[];
};
export type UploadProgress = {
    state: string;
    sent: number;
    total: number;
    percent: number;
    files: {
        name: string;
        size: number;
        sent: number;
        percent: number;
    }[];
};
export type Accepted = {
    batch_id: string;
    jobs: {
        job_id: string;
        filename: string;
        size: number;
        sha256: string;
        status: string;
    }[];
};
/** @typedef {{state: string, sent: number, total: number, percent: number,
 *    files: {name: string, size: number, sent: number, percent: number}[]}} UploadProgress
 *  @typedef {{batch_id: string, jobs: {job_id: string, filename: string, size: number,
 *    sha256: string, status: string}[]}} Accepted */
/** @param {{url?: string, atOnce?: number, XMLHttpRequest?: typeof globalThis.XMLHttpRequest,
 *    FormData?: typeof globalThis.FormData, newKey?: () => string,
 *    headers?: Record<string, string>}} [settings]  headers: what authorises, where no cookie does */
export declare function createUploader(settings?: {
    url?: string;
    atOnce?: number;
    XMLHttpRequest?: typeof globalThis.XMLHttpRequest;
    FormData?: typeof globalThis.FormData;
    newKey?: () => string;
    headers?: Record<string, string>;
}): {
    send: (files: File[], { options, onProgress, key }?: {
        options?: Record<string, any> | null;
        onProgress?: (progress: UploadProgress) => void;
        key?: string;
    }) => {
        done: Promise<Accepted>;
        cancel(): void;
        readonly state: string;
    };
    readonly active: number;
};
/** "Sent 31 of 48 MB" and its like. @param {{state: string, sent: number, total: number}} progress */
export declare function uploadWords({ state, sent, total }: {
    state: string;
    sent: number;
    total: number;
}): string;
