// System D: its React hook (its types left out).
import { useCallback, useEffect, useRef, useState } from "react";

const WS_URL = process.env.NEXT_PUBLIC_WS_URL || "ws://localhost:8000";
const MAX_RECONNECT_ATTEMPTS = 5;
const BASE_RECONNECT_DELAY = 1000;
const HEARTBEAT_INTERVAL = 30000;
const MIN_MESSAGE_INTERVAL = 100; // at most ten messages a second

const START = {
  progress: 0,
  status: "idle",
  stage: null,
  message: "",
  details: null,
  error: null,
};

export function useUploadProgress(batchId, token, { onAuthError } = {}) {
  const [isConnected, setIsConnected] = useState(false);
  const [state, setState] = useState(START);
  const wsRef = useRef(null);
  const attemptsRef = useRef(0);
  const lastSentRef = useRef(0);
  const timersRef = useRef({});

  const send = useCallback((message) => {
    const now = Date.now();
    if (wsRef.current?.readyState !== WebSocket.OPEN) return false;
    if (now - lastSentRef.current < MIN_MESSAGE_INTERVAL) return false;
    lastSentRef.current = now;
    wsRef.current.send(message);
    return true;
  }, []);

  useEffect(() => {
    if (!batchId || !token) return undefined;
    let unmounted = false;

    const connect = () => {
      const ws = new WebSocket(`${WS_URL}/ws/upload-progress/${batchId}?token=${token}`);
      wsRef.current = ws;

      ws.onopen = () => {
        attemptsRef.current = 0;
        setIsConnected(true);
        timersRef.current.heartbeat = setInterval(() => send("ping"), HEARTBEAT_INTERVAL);
        send("ping");
      };

      ws.onmessage = (event) => {
        if (event.data === "pong") return;
        let data;
        try {
          data = JSON.parse(event.data);
        } catch (error) {
          console.error("Failed to parse WebSocket message:", error);
          return;
        }
        if (data.type === "pong") return;
        setState({
          progress: data.progress,
          status: data.status,
          stage: data.stage,
          message: data.message,
          details: data.details ?? null,
          error: data.error ?? null,
        });
        if (data.status === "completed" || data.status === "error") ws.close(1000);
      };

      ws.onclose = (event) => {
        clearInterval(timersRef.current.heartbeat);
        if (unmounted) return;
        setIsConnected(false);
        if (event.code === 1000) return;
        if (event.code === 4001 || event.code === 1008) {
          onAuthError?.(); // refresh the token and authenticate again
          return;
        }
        if (attemptsRef.current < MAX_RECONNECT_ATTEMPTS) {
          const delay = BASE_RECONNECT_DELAY * 2 ** attemptsRef.current;
          attemptsRef.current += 1;
          timersRef.current.reconnect = setTimeout(connect, delay);
        } else {
          setState((now) => ({ ...now, error: "Connection lost" }));
        }
      };

      ws.onerror = () => console.error("WebSocket error");
    };

    connect();
    return () => {
      unmounted = true;
      clearTimeout(timersRef.current.reconnect);
      clearInterval(timersRef.current.heartbeat);
      wsRef.current?.close(1000);
    };
  }, [batchId, token, onAuthError, send]);

  return { isConnected, ...state };
}
