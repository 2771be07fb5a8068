/** The rooms that are followed, and how far each has come. No connection, no clock.
 *
 *  createRooms([{room, after?}]) -> rooms
 *    add(name, after) -> boolean       false: it is there already      remove(name) -> boolean
 *    places() -> [[name, seq | null]]  up to where each was told; null: nothing yet
 *  asking
 *    unasked() -> name | undefined     one that was not asked for on this connection
 *    ask(name, log) -> fields          of the `subscribe` for it, which is sent now
 *    unanswered()                      what was asked without an answer is to be asked again
 *    rest()                            the connection is gone: none is asked for, none is live
 *  hearing
 *    subscribed(message)  live(message)  reset(message)   what the server says of one
 *    ours(room) -> name                                   our name of a room, by the server's
 *    seen(seq)                                            an event was told
 *    isPast(id, place) -> boolean      whether `place` lies past what was told of a job or batch;
 *                                      noted, so that what two rooms both replay is told once
 *    forget()                          the log is another one
 *    rewind()                          and the states come first, of every room
 *  standing
 *    isLive    all of them are         reach(at?) -> {done, total}   of the slowest replay
 *
 *  @typedef {{at: number|null, asked: boolean, live: boolean, from?: number, head?: number}} Place
 *    from, head: the replay under way
 */

/** @param {{room: string, after?: number|null}[]} given */
export function createRooms(given) {
  /** @type {Map<string, Place>} */
  const rooms = new Map();
  /** @type {Map<string, string>} */
  const names = new Map();
  /** Last n by job, last seq by batch. @type {Map<string, number>} */
  const last = new Map();

  /** @param {string} name  @param {number|null} at */
  function add(name, at) {
    if (rooms.has(name)) return false;
    rooms.set(name, { at, asked: false, live: false });
    return true;
  }
  for (const { room, after = null } of given) add(room, after);

  /** @param {string} room */
  const ours = (room) => names.get(room) ?? room;

  /** @param {Record<string, any>} message */
  function placeOf({ id, room }) {
    // user:me comes back under its own name
    if (id !== undefined) names.set(room, id);
    return rooms.get(ours(room));
  }

  /** @param {Place} room  @param {number} seq */
  const reached = (room, seq) => {
    room.at = Math.max(room.at ?? 0, seq);
  };

  return {
    add,
    /** @param {string} name */
    remove: (name) => rooms.delete(name),
    /** @returns {[string, number|null][]} */
    places: () => [...rooms].map(([name, { at }]) => [name, at]),
    unasked: () => [...rooms].find(([, { asked }]) => !asked)?.[0],
    /** @param {string} name  @param {string|null} log  the log's id as last seen */
    ask(name, log) {
      const room = /** @type {Place} */ (rooms.get(name));
      room.asked = true;
      const from = room.at === null ? { snapshot: true } : { after: room.at, ...(log && { log }) };
      return { id: name, room: name, ...from };
    },
    unanswered() {
      for (const room of rooms.values()) if (!room.live && room.head === undefined) room.asked = false;
    },
    rest() {
      for (const room of rooms.values()) Object.assign(room, { asked: false, live: false, head: undefined });
    },
    /** @param {Record<string, any>} message */
    subscribed(message) {
      const room = placeOf(message);
      if (!room) return;
      room.from = room.at ?? message.head; // states are not counted
      room.head = message.head;
    },
    /** @param {Record<string, any>} message */
    live(message) {
      const room = placeOf(message);
      if (!room) return;
      room.live = true;
      reached(room, message.seq ?? 0);
    },
    /** @param {Record<string, any>} message */
    reset(message) {
      const room = placeOf(message);
      if (room) room.at = 0;
    },
    ours,
    /** Which of several rooms an event is of, it does not say: all of them have reached it once all
     *  are live. @param {number} seq */
    seen(seq) {
      const lagging = [...rooms.values()].filter((room) => !room.live);
      if (lagging.length === 0) for (const room of rooms.values()) reached(room, seq);
      else if (rooms.size === 1) reached(lagging[0], seq);
    },
    /** @param {string} id  @param {number} place */
    isPast(id, place) {
      if (place <= (last.get(id) ?? 0)) return false;
      last.set(id, place);
      return true;
    },
    forget: () => last.clear(),
    rewind() {
      for (const room of rooms.values()) room.at = null;
    },
    get isLive() {
      return [...rooms.values()].every((room) => room.live);
    },
    /** @param {number} [at]  the place that was told last; none: where the replays began */
    reach(at = 0) {
      let from = Infinity;
      let head = 0;
      for (const room of rooms.values()) {
        if (room.live || room.head === undefined) continue;
        from = Math.min(from, room.from ?? 0);
        head = Math.max(head, room.head);
      }
      const total = Math.max(0, head - from);
      return { done: Math.min(total, Math.max(0, at - from)), total };
    },
  };
}
