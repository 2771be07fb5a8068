/** Whatever the server says, by its type: system E's hook. */

import { useCallback, useEffect, useRef, useState } from "react";

import { createClient } from "../client.js";
import { isConnected } from "../shared.js";

/** @typedef {(message: Record<string, any>) => void} Handler
 *  @typedef {import("../types.js").ClientOptions & {reconnect?: boolean,
 *    reconnectAttempts?: number, room?: string}} SocketOptions
 *    reconnect: false stays away after the first loss; reconnectAttempts: how often in a row it is
 *    tried, for ever by default; room: what is followed, user:me by default */

/** @param {SocketOptions} [options] */
export function useWebSocket(options = {}) {
  const { url, server, token, getToken, room = "user:me" } = options;
  const { reconnect: again = true, reconnectAttempts = Infinity } = options;
  const [connected, setConnected] = useState(false);
  const [lastMessage, setLastMessage] = useState(/** @type {Record<string, any>|null} */ (null));
  const handlers = useRef(/** @type {Map<string, Set<Handler>>} */ (new Map()));
  const losses = useRef(0); // in a row
  const givenUp = useRef(false);
  const client = useRef(/** @type {import("../client.js").Client|null} */ (null));

  useEffect(() => {
    losses.current = 0;
    givenUp.current = false;
    const own = createClient({
      ...options,
      rooms: [{ room }],
      onState(state) {
        setConnected(isConnected(state));
        if (state.name === "live") losses.current = 0;
        if (state.name !== "reconnecting" && state.name !== "offline") return;
        losses.current += 1;
        givenUp.current = !again || losses.current > reconnectAttempts;
        if (givenUp.current) own.stop();
      },
      onMessage(message) {
        setLastMessage(message);
        for (const handler of [...(handlers.current.get(message.type) ?? [])]) handler(message);
      },
    });
    client.current = own;
    own.start();
    return () => {
      client.current = null;
      own.stop();
      setConnected(false);
    };
  }, [url, server, token, getToken, room, again, reconnectAttempts]);

  const sendMessage = useCallback(
    /** Steer a job, or answer: {op: "cancel", job_id}; while there is no connection it is not sent.
     *  @param {import("../outbox.js").Outgoing} message
     *  @returns {boolean}  whether it was sent */
    (message) => {
      if (!client.current || !isConnected(client.current.state)) return false;
      client.current.send(message).catch(() => {}); // an `error` message tells of it
      return true;
    },
    [],
  );
  const on = useCallback(
    /** @param {string} type  @param {Handler} handler  @returns {() => void} unsubscribe */
    (type, handler) => {
      const all = handlers.current.get(type) ?? new Set();
      handlers.current.set(type, all.add(handler));
      return () => {
        all.delete(handler);
      };
    },
    [],
  );
  const reconnect = useCallback(() => {
    losses.current = 0;
    if (givenUp.current) client.current?.start();
    else client.current?.retryNow();
    givenUp.current = false;
  }, []);

  return { isConnected: connected, lastMessage, sendMessage, on, reconnect };
}
