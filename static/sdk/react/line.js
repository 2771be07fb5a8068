/** The shared connection as React sees it. */

import { useEffect, useState, useSyncExternalStore } from "react";

import { isConnected, join } from "../shared.js";

/** @typedef {import("../shared.js").SharedOptions} SharedOptions
 *  @typedef {import("../shared.js").Member} Member */

const NOTHING = () => {};
/** @type {import("../types.js").ConnectionState} */
const CONNECTING = { name: "connecting" };

/** Join the connection of `options` while the component is there, and follow a room on it.
 *  @param {SharedOptions} options  @param {string|null} room  null: not yet
 *  @param {number|null} [after]  0: all that ever happened in it; null: how it stands
 *  @returns {{member: Member|null, state: import("../types.js").ConnectionState,
 *    isConnected: boolean}} */
export function useLine(options, room, after = null) {
  const [member, setMember] = useState(/** @type {Member|null} */ (null));
  const { server, url, token, getToken, store } = options;

  useEffect(() => {
    if (room === null) return undefined;
    const joined = join(options);
    joined.client.follow(room, after);
    setMember(joined);
    return () => {
      joined.leave();
      setMember(null);
    };
    // the rest of the options is for the first one to join
  }, [server, url, token, getToken, store, room, after]);

  const state = useSyncExternalStore(
    member ? member.onState : () => NOTHING,
    () => (member ? member.state : CONNECTING),
    () => CONNECTING,
  );
  return { member, state, isConnected: isConnected(state) };
}

/** What `read` says of the store, again whenever that changes; it has to answer the same until then.
 *  @template T
 *  @param {import("../store.js").FileStatusStore|undefined} store
 *  @param {(store: import("../store.js").FileStatusStore) => T} read  @param {T} before
 *  @returns {T} */
export function useStored(store, read, before) {
  const get = () => (store ? read(store) : before);
  return useSyncExternalStore(store ? (fn) => store.subscribe(fn) : () => NOTHING, get, () => before);
}
