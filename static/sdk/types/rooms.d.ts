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
export type Place = {
    at: number | null;
    asked: boolean;
    live: boolean;
    from?: number;
    head?: number;
};
/** @param {{room: string, after?: number|null}[]} given */
export declare function createRooms(given: {
    room: string;
    after?: number | null;
}[]): {
    add: (name: string, at: number | null) => boolean;
    /** @param {string} name */
    remove: (name: string) => boolean;
    /** @returns {[string, number|null][]} */
    places: () => [string, number | null][];
    unasked: () => string | undefined;
    /** @param {string} name  @param {string|null} log  the log's id as last seen */
    ask(name: string, log: string | null): {
        snapshot: boolean;
        id: string;
        room: string;
    } | {
        snapshot?: undefined;
        after: number;
        log?: string | undefined;
        id: string;
        room: string;
    };
    unanswered(): void;
    rest(): void;
    /** @param {Record<string, any>} message */
    subscribed(message: Record<string, any>): void;
    /** @param {Record<string, any>} message */
    live(message: Record<string, any>): void;
    /** @param {Record<string, any>} message */
    reset(message: Record<string, any>): void;
    ours: (room: string) => string;
    /** Which of several rooms an event is of, it does not say: all of them have reached it once all
     *  are live. @param {number} seq */
    seen(seq: number): void;
    /** @param {string} id  @param {number} place */
    isPast(id: string, place: number): boolean;
    forget: () => void;
    rewind(): void;
    readonly isLive: boolean;
    /** @param {number} [at]  the place that was told last; none: where the replays began */
    reach(at?: number): {
        done: number;
        total: number;
    };
};
