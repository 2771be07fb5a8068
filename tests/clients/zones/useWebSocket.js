// System E: its React hook (its types left out).
import { useCallback, useEffect, useRef, useState } from "react";

export function useWebSocket({
  url,
  reconnect = true,
  reconnectInterval = 3000,
  reconnectAttempts = 5,
}) {
  const [isConnected, setIsConnected] = useState(false);
  const [lastMessage, setLastMessage] = useState(null);
  const ws = useRef(null);
  const reconnectCount = useRef(0);
  const eventHandlers = useRef(new Map());

  const connect = useCallback(() => {
    try {
      ws.current = new WebSocket(url);

      ws.current.onopen = () => {
        setIsConnected(true);
        reconnectCount.current = 0;
        console.log("WebSocket connected");
      };

      ws.current.onmessage = (event) => {
        const data = JSON.parse(event.data);
        setLastMessage(data);
        const handlers = eventHandlers.current.get(data.type);
        if (handlers) handlers.forEach((handler) => handler(data));
      };

      ws.current.onclose = () => {
        setIsConnected(false);
        console.log("WebSocket disconnected");
        if (reconnect && reconnectCount.current < reconnectAttempts) {
          reconnectCount.current += 1;
          setTimeout(connect, reconnectInterval);
        }
      };

      ws.current.onerror = () => console.error("WebSocket error");
    } catch (error) {
      console.error("Failed to connect:", error);
    }
  }, [url, reconnect, reconnectInterval, reconnectAttempts]);

  const sendMessage = useCallback((message) => {
    if (ws.current && ws.current.readyState === WebSocket.OPEN) {
      ws.current.send(JSON.stringify(message));
    }
  }, []);

  const on = useCallback((event, handler) => {
    if (!eventHandlers.current.has(event)) eventHandlers.current.set(event, new Set());
    eventHandlers.current.get(event).add(handler);
    return () => eventHandlers.current.get(event)?.delete(handler);
  }, []);

  useEffect(() => {
    connect();
    return () => {
      if (ws.current) {
        ws.current.onclose = null;
        ws.current.close();
      }
    };
  }, [connect]);

  return { isConnected, lastMessage, sendMessage, on, reconnect: connect };
}
