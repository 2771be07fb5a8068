/** How long to wait before trying again.
 *
 *  backoffMs(tries, random?) -> ms          1 s doubling to 5 s, half of it chance
 *  offlineMs(random?) -> ms                 every 30 s, give or take a tenth
 *  hintedMs(reason) -> ms | null            what a server that restarts asks for, as it closes
 *  TRIES                                    this many tries, then offline
 */
export declare const TRIES = 5;
/** Milliseconds to wait before attempt `tries` (1, 2, …): doubling, capped, half of it chance.
 *  @param {number} tries  @param {() => number} random  in [0, 1), so that tests own luck */
export declare function backoffMs(tries: number, random?: () => number): number;
/** Milliseconds between tries once offline. @param {() => number} random */
export declare const offlineMs: (random?: () => number) => number;
/** "restarting; retry_after=3.217" -> 3217: the server keeps its crowd apart.
 *  @param {string} reason  of the close */
export declare function hintedMs(reason: string): number | null;
