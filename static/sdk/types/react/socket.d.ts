/** Whatever the server says, by its type: system E's hook. */
export type Handler = (message: Record<string, any>) => void;
export type SocketOptions = import("../types.js").ClientOptions & {
    reconnect?: boolean;
    reconnectAttempts?: number;
    room?: string;
};
/** @typedef {(message: Record<string, any>) => void} Handler
 *  @typedef {import("../types.js").ClientOptions & {reconnect?: boolean,
 *    reconnectAttempts?: number, room?: string}} SocketOptions
 *    reconnect: false stays away after the first loss; reconnectAttempts: how often in a row it is
 *    tried, for ever by default; room: what is followed, user:me by default */
/** @param {SocketOptions} [options] */
export declare function useWebSocket(options?: SocketOptions): {
    isConnected: boolean;
    lastMessage: Record<string, any> | null;
    sendMessage: (message: import("../outbox.js").Outgoing) => boolean;
    on: (type: string, handler: Handler) => () => void;
    reconnect: () => void;
};
