/** What is to be sent, kept while there is no connection; loaded when something is.
 *
 *  createOutbox({transmit, timers, now, gapMs?, newKey?}) -> outbox
 *    gapMs()       how long after one message the next may follow: what the server takes
 *  outbox
 *    send(message) -> promise of the server's `ok`; rejects with the ProblemError it answered with,
 *                  "outbox_full" when KEPT wait already, "stopped" after abandon()
 *    begin()       there is a connection: send what waits, one after the other
 *    halt()        it is gone: what was not answered is sent again on the next one
 *    again()       the server takes no more just now: the same once more
 *    settle(answer) -> boolean    an `ok` or `error`; whether it was for one of ours
 *    abandon()     nothing is sent any more
 *
 *  Each message is sent until it is answered: where an answer was lost, the server hears it twice.
 *  Over HTTP it knows it by its key; over a socket a second "cancel" is refused as a conflict.
 *
 *  @typedef {{op: "pause"|"resume"|"cancel"|"retry", job_id: string}
 *    | {op: "answer", clarification_id: string, answer: any, use_for_batch?: boolean}} Outgoing
 *  @typedef {{message: Outgoing, id: string, resolve: (answer: {type: string}) => void,
 *    reject: (problem: ProblemError) => void}} Entry
 *  @typedef {ReturnType<typeof createOutbox>} Outbox
 */
export type Outgoing = {
    op: "pause" | "resume" | "cancel" | "retry";
    job_id: string;
} | {
    op: "answer";
    clarification_id: string;
    answer: any;
    use_for_batch?: boolean;
};
export type Entry = {
    message: Outgoing;
    id: string;
    resolve: (answer: {
        type: string;
    }) => void;
    reject: (problem: ProblemError) => void;
};
export type Outbox = ReturnType<typeof createOutbox>;
import { ProblemError } from "./api.js";
export declare const KEPT = 100;
/** @param {{transmit: (message: import("./transports.js").Message) => void,
 *    timers: import("./api.js").Timers, now: () => number, gapMs?: () => number,
 *    newKey?: () => string}} options */
export declare function createOutbox({ transmit, timers, now, gapMs, newKey }: {
    transmit: (message: import("./transports.js").Message) => void;
    timers: import("./api.js").Timers;
    now: () => number;
    gapMs?: () => number;
    newKey?: () => string;
}): {
    /** @param {Outgoing} message  @returns {Promise<{type: string}>} */
    send(message: Outgoing): Promise<{
        type: string;
    }>;
    begin(): void;
    halt(): void;
    again(): void;
    /** @param {Record<string, any>} answer */
    settle(answer: Record<string, any>): boolean;
    abandon(): void;
    readonly size: number;
};
