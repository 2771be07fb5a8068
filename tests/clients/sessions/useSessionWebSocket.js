// System C: its React hook.
import { useEffect, useState } from "react";
import { io } from "socket.io-client";

const WS_URL = process.env.NEXT_PUBLIC_WS_URL || "http://localhost:3000";

export function useSessionWebSocket(sessionId) {
  const [socket, setSocket] = useState(null);
  const [progress, setProgress] = useState(null);
  const [modelResults, setModelResults] = useState([]);
  const [clarifications, setClarifications] = useState([]);
  const [isCompleted, setIsCompleted] = useState(false);

  useEffect(() => {
    const newSocket = io(WS_URL, {
      path: "/socket.io/",
      transports: ["websocket", "polling"],
      withCredentials: true,
      reconnection: true,
      reconnectionAttempts: 5,
      reconnectionDelay: 1000,
      reconnectionDelayMax: 5000,
      timeout: 20000,
    });

    newSocket.on("connect", () => {
      console.log("Connected to WebSocket server");
      newSocket.emit("subscribe", sessionId);
    });
    newSocket.on("connected", (data) => console.log("Socket ID:", data.socketId));
    newSocket.on("subscribed", (data) => console.log("Subscribed to session:", data.sessionId));
    newSocket.on("progress", (data) => setProgress(data));
    newSocket.on("model_result", (data) => setModelResults((all) => [...all, data]));
    newSocket.on("clarification", (data) => setClarifications((all) => [...all, data]));
    newSocket.on("completed", () => setIsCompleted(true));
    newSocket.on("error", (data) => console.error("WebSocket error:", data.error));
    newSocket.on("disconnect", (reason) => console.log("Disconnected:", reason));
    setSocket(newSocket);

    return () => {
      newSocket.emit("unsubscribe", sessionId);
      newSocket.disconnect();
    };
  }, [sessionId]);

  return { socket, progress, modelResults, clarifications, isCompleted };
}
