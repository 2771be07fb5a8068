/** All files of a user, in one store of the page: system A's hook and store. */

import { useCallback } from "react";

import { createFileStatusStore } from "../store.js";
import { useLine, useStored } from "./line.js";

/** What every file looks like now; also outside components. */
export const fileStatusStore = createFileStatusStore();

/** Keep the store up to date with everything that happens to the user's files.
 *  @param {string|null} [userId]  whose; the token says so too, and null waits until somebody is
 *    signed in
 *  @param {string|null} [sessionToken]  a listen-only token; none: the page's cookie
 *  @param {import("./line.js").SharedOptions} [options] */
export function useFileStatusSocket(userId, sessionToken, options = {}) {
  const token = sessionToken ?? options.token;
  const { member, state, isConnected } = useLine(
    { ...options, ...(token ? { token } : {}), store: fileStatusStore },
    userId === null ? null : "user:me",
  );
  const emit = useCallback(
    /** Steer a job, or answer: emit("cancel", {job_id}). Kept while there is no connection.
     *  @param {string} op  @param {Record<string, any>} [fields] */
    (op, fields = {}) =>
      member
        ? member.client.send(/** @type {any} */ ({ op, ...fields }))
        : Promise.reject(new Error("there is no connection yet")),
    [member],
  );
  return { isConnected, state, emit };
}

/** What `selector` takes from the store: useFileStatusStore((files) => files.getStatus(id)). The
 *  component is rendered again when that is another value. Without one, the whole store.
 *  @template T
 *  @param {(store: import("../store.js").FileStatusStore) => T} [selector]
 *  @returns {T} */
export function useFileStatusStore(selector) {
  const read = selector ?? (() => fileStatusStore.getAllStatuses());
  const value = useStored(fileStatusStore, /** @type {any} */ (read), /** @type {any} */ (undefined));
  return /** @type {T} */ (selector ? value : fileStatusStore);
}
useFileStatusStore.getState = () => fileStatusStore;
