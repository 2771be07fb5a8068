/** How long to wait before trying again.
 *
 *  backoffMs(tries, random?) -> ms          1 s doubling to 5 s, half of it chance
 *  offlineMs(random?) -> ms                 every 30 s, give or take a tenth
 *  hintedMs(reason) -> ms | null            what a server that restarts asks for, as it closes
 *  TRIES                                    this many tries, then offline
 */

export const TRIES = 5;

/** Milliseconds to wait before attempt `tries` (1, 2, …): doubling, capped, half of it chance.
 *  @param {number} tries  @param {() => number} random  in [0, 1), so that tests own luck */
export function backoffMs(tries, random = Math.random) {
  const ceiling = Math.min(5_000, 1_000 * 2 ** (tries - 1));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}

/** Milliseconds between tries once offline. @param {() => number} random */
export const offlineMs = (random = Math.random) => Math.round(27_000 + random() * 6_000);

/** "restarting; retry_after=3.217" -> 3217: the server keeps its crowd apart.
 *  @param {string} reason  of the close */
export function hintedMs(reason) {
  const found = /retry_after=([\d.]+)/.exec(reason);
  return found && Number(found[1]) * 1000;
}
