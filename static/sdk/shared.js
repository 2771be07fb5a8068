/** One connection and one store for all parts of a page that listen to one server as one user.
 *
 *  join(options?) -> member
 *    options   as createClient's, without rooms and handlers; `store` instead of a new one
 *  member
 *    client  store
 *    state                          the connection's, see ConnectionState
 *    onState(fn) -> unsubscribe     fn() when it changed
 *    onMessage(fn) -> unsubscribe   fn(message) for whatever the server says, before the store knows
 *    onError(fn) -> unsubscribe     fn(error)
 *    leave()                        the last one to leave ends the connection
 *
 *  Who is the same: server, address, and token or getToken.
 */

import { attachToPage, createClient } from "./client.js";
import { createFileStatusStore } from "./store.js";

/** @typedef {Omit<import("./types.js").ClientOptions, "rooms"|"log"|"onEvent"|"onState"
 *    |"onSnapshot"|"onReset"|"onTruncated"|"onError"|"onMessage">
 *    & {store?: import("./store.js").FileStatusStore}} SharedOptions
 *  @typedef {ReturnType<typeof join>} Member
 *  @typedef {{key: unknown[], members: number, client: import("./client.js").Client,
 *    store: import("./store.js").FileStatusStore, detach: () => void,
 *    listeners: Record<"state"|"message"|"error", Set<(said?: any) => void>>}} Line */

/** @type {Line[]} */
const lines = [];

/** @param {SharedOptions} options  @param {unknown[]} key  @returns {Line} */
function begin({ store = createFileStatusStore(), ...options }, key) {
  /** @type {Line["listeners"]} */
  const listeners = { state: new Set(), message: new Set(), error: new Set() };
  /** @param {keyof typeof listeners} kind  @returns {(said?: any) => void} */
  const tell = (kind) => (said) => {
    for (const fn of [...listeners[kind]]) fn(said);
  };
  const client = createClient({
    ...options,
    ...store.handlers,
    onState: tell("state"),
    onMessage: tell("message"),
    onError: tell("error"),
  });
  const { window } = globalThis;
  const detach = window?.document ? attachToPage(client, window) : () => {};
  return { key, members: 0, client, store, detach, listeners };
}

/** @param {SharedOptions} [options] */
export function join(options = {}) {
  const { server = "", url, token, getToken, store } = options;
  const key = [server, url, token, getToken, store];
  let line = lines.find((one) => one.key.every((part, place) => part === key[place]));
  if (!line) {
    line = begin(options, key);
    lines.push(line);
  }
  const { client, listeners } = line;
  const own = line;
  own.members += 1;
  if (own.members === 1) client.start();
  /** @type {(() => void)[]} */
  const mine = [];
  /** @param {keyof typeof listeners} kind  @param {(said?: any) => void} fn */
  const listen = (kind, fn) => {
    listeners[kind].add(fn);
    const end = () => {
      listeners[kind].delete(fn);
    };
    mine.push(end);
    return end;
  };
  let left = false;
  return {
    client,
    store: own.store,
    get state() {
      return client.state;
    },
    /** @param {() => void} fn */
    onState: (fn) => listen("state", fn),
    /** @param {(message: Record<string, any>) => void} fn */
    onMessage: (fn) => listen("message", fn),
    /** @param {(error: import("./types.js").Refusal) => void} fn */
    onError: (fn) => listen("error", fn),
    leave() {
      if (left) return;
      left = true;
      for (const end of mine) end();
      own.members -= 1;
      if (own.members > 0) return;
      client.stop();
      own.detach();
      lines.splice(lines.indexOf(own), 1);
    },
  };
}

/** @param {import("./types.js").ConnectionState} state */
export const isConnected = ({ name }) => name === "live" || name === "catchingUp";
