/** Sends a file in pieces, each kept by the server before the next: tus 1.0.0.
 *
 *  createTus({server, fetch, headers, metadata, file, timers, sizes?, now?}) -> tus
 *    metadata  {filename, batch_id?, options?}       headers() -> what authorises, may be async
 *  tus.begin() -> address          NotOffered where the server has no such uploads
 *  tus.ask(address) -> {offset, job}      how far it came; completes it where it came in full
 *  tus.send(address, offset, signal) -> {offset, job}      the next piece
 *  tus.drop(address)               the server forgets it
 *  All reject with a ProblemError; status 0: no answer came, or none in time ("timeout").
 *
 *  Pieces grow while the line is quick, so that each takes about a second: a break costs that much.
 *  A line that is dead without knowing, after a sleep say, is given up.
 */
declare const SIZES: {
    first: number;
    least: number;
    most: number;
};
export declare class NotOffered extends Error {
}
export type Standing = {
    offset: number;
    job: {
        job_id: string;
        batch_id: string;
    } | null;
};
export type Headers = () => Record<string, string> | Promise<Record<string, string>>;
/** @param {{server: string, fetch: typeof globalThis.fetch, headers: Headers, file: Blob,
 *    metadata: Record<string, string>, timers: import("./api.js").Timers, sizes?: typeof SIZES,
 *    now?: () => number}} options */
export declare function createTus(options: {
    server: string;
    fetch: typeof globalThis.fetch;
    headers: Headers;
    file: Blob;
    metadata: Record<string, string>;
    timers: import("./api.js").Timers;
    sizes?: typeof SIZES;
    now?: () => number;
}): {
    begin(): Promise<string>;
    /** @param {string} address  @returns {Promise<Standing>} */
    ask(address: string): Promise<Standing>;
    /** @param {string} address  @param {number} offset  @param {AbortSignal} signal
     *  @returns {Promise<Standing>} */
    send(address: string, offset: number, signal: AbortSignal): Promise<Standing>;
    /** @param {string} address */
    drop(address: string): Promise<void>;
};
export {};
