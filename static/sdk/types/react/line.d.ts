/** The shared connection as React sees it. */
export type SharedOptions = import("../shared.js").SharedOptions;
export type Member = import("../shared.js").Member;
/** Join the connection of `options` while the component is there, and follow a room on it.
 *  @param {SharedOptions} options  @param {string|null} room  null: not yet
 *  @param {number|null} [after]  0: all that ever happened in it; null: how it stands
 *  @returns {{member: Member|null, state: import("../types.js").ConnectionState,
 *    isConnected: boolean}} */
export declare function useLine(options: SharedOptions, room: string | null, after?: number | null): {
    member: Member | null;
    state: import("../types.js").ConnectionState;
    isConnected: boolean;
};
/** What `read` says of the store, again whenever that changes; it has to answer the same until then.
 *  @template T
 *  @param {import("../store.js").FileStatusStore|undefined} store
 *  @param {(store: import("../store.js").FileStatusStore) => T} read  @param {T} before
 *  @returns {T} */
export declare function useStored<T>(store: import("../store.js").FileStatusStore | undefined, read: (store: import("../store.js").FileStatusStore) => T, before: T): T;
