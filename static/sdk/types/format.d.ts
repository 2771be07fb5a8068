/** Numbers, sizes and times in words. Pure; `now` is handed in.
 *
 *  formatCount(12960) -> "12,960"            plural(2, "row") -> "2 rows"
 *  formatBytes(1900000) -> "1.9 MB"
 *  formatDuration(ms) -> "0.9 s" "41 s" "2 min 5 s" "1 h 3 min"
 *  formatLeft(seconds|null, between?) -> "a few seconds left" "40 s left" "about 3 min left" ""
 *  timeLeft(status, nowMs) -> what stands beside the percentage; "" where nothing is known
 *  formatClock(iso, {seconds?}) -> "10:41"
 *  amountText("-1234.50") -> "-1,234.50"
 */
/** @param {number} number */
export declare const formatCount: (number: number) => string;
/** "1 new row", "12,960 rows".
 *  @param {number} number  @param {string} singular  @param {string} [several] */
export declare const plural: (number: number, singular: string, several?: string) => string;
/** @param {number} bytes  decimal units, as file managers and the server's sentences use */
export declare function formatBytes(bytes: number): string;
/** @param {number} ms */
export declare function formatDuration(ms: number): string;
/** @param {number|null|undefined} seconds  @param {[number, number]|null} [between]  while not sure */
export declare function formatLeft(seconds: number | null | undefined, between?: [number, number] | null): string;
/** What stands beside the percentage of a running file: the time left, counted down since the
 *  last event; after 30 s without news a sentence instead, which does not promise that a worker
 *  elsewhere is still at it; "" while paused, asking or waiting.
 *  @param {import("./jobs.js").FileStatus} status  @param {number} nowMs */
export declare function timeLeft(status: import("./jobs.js").FileStatus, nowMs: number): string;
/** Local clock time. @param {string} iso  @param {{seconds?: boolean}} [options] */
export declare function formatClock(iso: string, { seconds }?: {
    seconds?: boolean;
}): string;
/** @param {string|null} amount  a decimal string */
export declare function amountText(amount: string | null): string;
