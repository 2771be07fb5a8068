/** What is to be sent, also while the outbox for it is not loaded: few pages send anything.
 *
 *  createPost({load, transmit, timers, now, gapMs}) -> post
 *    load(again)   the module of the outbox; again: it did not come before
 *  post
 *    send(message) -> promise   see outbox.js. Where its module can not be had, for want of a
 *                               connection, it comes once there is one
 *    begin()  halt()  again()  settle(answer)  size     the outbox's
 *    stop()                     nothing is sent any more, and whoever waits is told so
 */
export type Outbox = import("./outbox.js").Outbox;
/** @typedef {import("./outbox.js").Outbox} Outbox */
/** @param {{load: (again: boolean) => Promise<typeof import("./outbox.js")>}
 *    & Parameters<typeof import("./outbox.js").createOutbox>[0]} options */
export declare function createPost({ load, ...options }: {
    load: (again: boolean) => Promise<typeof import("./outbox.js")>;
} & Parameters<typeof import("./outbox.js").createOutbox>[0]): {
    /** @param {import("./outbox.js").Outgoing} message */
    send(message: import("./outbox.js").Outgoing): Promise<{
        type: string;
    }>;
    begin(): void;
    halt(): void;
    again: () => void | undefined;
    /** @param {Record<string, any>} answer */
    settle: (answer: Record<string, any>) => boolean;
    stop(): void;
    readonly size: number;
};
