// System C: examples/websocket-client.ts, its types left out. Several sessions over one socket,
// with reconnection, buffered events, recovery by REST, and states kept in step.
import { io } from "socket.io-client";

export class SessionWebSocketClient {
  constructor(serverUrl, { token, transports = ["websocket", "polling"], onEvent } = {}) {
    this.serverUrl = serverUrl;
    this.token = token;
    this.onEvent = onEvent ?? (() => {});
    this.sessions = new Map();
    this.subscribedTo = new Set();
    this.socket = io(serverUrl, {
      path: "/socket.io/",
      extraHeaders: { Authorization: `Bearer ${token}` },
      transports,
      reconnection: true,
      reconnectionAttempts: 5,
      reconnectionDelay: 1000,
      reconnectionDelayMax: 5000,
      timeout: 20000,
    });
    this.socket.on("connect", () => this.onEvent("connect", { id: this.socket.id }));
    this.socket.on("connected", (data) => this.onEvent("connected", data));
    this.socket.on("disconnect", (reason) => this.onEvent("disconnect", { reason }));
    this.socket.on("connect_error", (error) => {
      this.onEvent("connect_error", { message: error.message });
      this.pollSessions(); // REST says how things are while the socket is away
    });
    this.socket.io.on("reconnect", (attempt) => {
      this.onEvent("reconnect", { attempt });
      for (const sessionId of this.subscribedTo) this.socket.emit("subscribe", sessionId);
    });
    for (const name of ["subscribed", "unsubscribed", "error"]) {
      this.socket.on(name, (data) => this.onEvent(name, data));
    }
    for (const name of ["progress", "model_result", "clarification", "completed"]) {
      this.socket.on(name, (data) => this.keep(name, data));
    }
  }

  async subscribe(sessionId) {
    this.subscribedTo.add(sessionId);
    this.sessions.set(sessionId, { state: await this.fetchSession(sessionId), events: [] });
    this.socket.emit("subscribe", sessionId);
  }

  unsubscribe(sessionId) {
    this.subscribedTo.delete(sessionId);
    this.socket.emit("unsubscribe", sessionId);
  }

  keep(name, data) {
    const session = this.sessions.get(data.sessionId);
    if (session) {
      session.events.push({ name, data });
      // Events may arrive out of order.
      session.events.sort((a, b) => a.data.timestamp.localeCompare(b.data.timestamp));
      if (name === "progress") session.state = data;
    }
    this.onEvent(name, data);
  }

  async fetchSession(sessionId) {
    const response = await fetch(`${this.serverUrl}/api/wizard/session/${sessionId}`, {
      headers: { Authorization: `Bearer ${this.token}` },
    });
    return response.ok ? response.json() : null;
  }

  async pollSessions() {
    for (const sessionId of this.subscribedTo) {
      const state = await this.fetchSession(sessionId).catch(() => null);
      if (state) this.sessions.get(sessionId).state = state;
    }
  }

  close() {
    this.socket.disconnect();
  }
}
