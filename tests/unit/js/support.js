/** Time, sockets and events that a test owns. */

export const BEGAN = Date.UTC(2026, 10, 20, 8, 0, 0);

/** A clock that moves only when told to. */
export class Clock {
  now = BEGAN;
  #due = new Map();
  #next = 1;

  timers = {
    set: (run, ms) => {
      this.#due.set(this.#next, { at: this.now + ms, run });
      return this.#next++;
    },
    clear: (id) => this.#due.delete(id),
  };

  /** Let `ms` pass: whatever falls due runs, in order, each at its own time. */
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      await settle();
      const [id, first] = [...this.#due].sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0] ?? [];
      if (id === undefined || first.at > end) break;
      this.#due.delete(id);
      this.now = Math.max(this.now, first.at);
      first.run();
    }
    this.now = end;
  }

  /** When the next thing falls due, in milliseconds from now. */
  get nextInMs() {
    return Math.min(...[...this.#due.values()].map(({ at }) => at - this.now));
  }
}

/** Let promises that are settled run on. */
export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** A network of WebSockets: `sockets` holds each one made, newest last. */
export function network() {
  const sockets = [];
  class FakeWebSocket {
    readyState = 0;
    sent = [];
    closed = false;
    constructor(url) {
      this.url = url;
      sockets.push(this);
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close() {
      this.readyState = 3;
      this.closed = true;
    }
    // what the other side does
    open() {
      this.readyState = 1;
      this.onopen?.({});
    }
    say(...messages) {
      this.onmessage?.({ data: messages.map((one) => JSON.stringify(one)).join("\n") });
    }
    shut(code, reason = "") {
      this.readyState = 3;
      this.onclose?.({ code, reason });
    }
    /** Open, welcome, and go live in each room subscribed to. */
    welcome(facts = {}) {
      this.open();
      this.say({ type: "welcome", log: "log-1", head: 0, heartbeat: 30, ...facts });
    }
    asked(op) {
      return this.sent.filter((message) => message.op === op);
    }
  }
  return {
    WebSocket: FakeWebSocket,
    sockets,
    get last() {
      return sockets.at(-1);
    },
  };
}

const PLAN = {
  name: "transactions",
  stages: [
    { key: "validation", label: "Validation", from: 0, to: 20, steps: ["initializing_streaming"] },
    { key: "parsing", label: "Reading", from: 20, to: 100, steps: ["extracting"] },
  ],
};

/** One event as the wire has it. */
export function event(n, type = "processing_progress", facts = {}) {
  const first = { filename: "expenses.csv", size: 1000, media_type: "text/csv", sha256: "" };
  return {
    seq: n * 10,
    n,
    type,
    job_id: "job-1",
    batch_id: "batch-1",
    document_id: "document-1",
    status: type === "job_created" ? "pending" : "processing",
    stage: type === "job_created" ? null : "parsing",
    step: type === "job_created" ? null : "extracting",
    progress: type === "job_created" ? 0 : Math.min(99, n),
    message: `message ${n}`,
    timestamp: new Date(BEGAN + n * 1000).toISOString(),
    estimated_time_remaining: null,
    details: {},
    ...(type === "job_created" ? { ...first, plan: PLAN } : {}),
    ...facts,
  };
}

/** A job's events from its creation up to `n`. */
export const story = (n, facts = {}) =>
  Array.from({ length: n }, (_, place) =>
    event(place + 1, place === 0 ? "job_created" : "processing_progress", facts),
  );

