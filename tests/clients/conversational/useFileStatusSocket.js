// System A: its React hook. Steps of files arrive and become the store's.
import { useCallback, useEffect, useRef, useState } from "react";
import { io } from "socket.io-client";
import { useFileStatusStore } from "./useFileStatusStore.js";

const SOCKET_URL = process.env.NEXT_PUBLIC_SOCKET_URL;

export function useFileStatusSocket(userId, sessionToken) {
  const socketRef = useRef(null);
  const [isConnected, setIsConnected] = useState(false);
  const addStep = useFileStatusStore((state) => state.addStep);
  const markComplete = useFileStatusStore((state) => state.markComplete);
  const setError = useFileStatusStore((state) => state.setError);

  const handleFileProgress = useCallback(
    (data) => {
      const { fileId, step, message, progress, extra } = data;
      addStep(fileId, {
        step,
        message,
        status: "in_progress",
        timestamp: Date.now(),
        progress,
        extra,
      });
    },
    [addStep],
  );

  const handleJobComplete = useCallback((data) => markComplete(data.fileId), [markComplete]);

  const handleJobError = useCallback(
    (data) => setError(data.fileId, data.error || "Processing failed"),
    [setError],
  );

  useEffect(() => {
    if (!userId || !sessionToken) return undefined;

    const socket = io(SOCKET_URL, {
      query: { user_id: userId, session_token: sessionToken },
      transports: ["websocket", "polling"],
      reconnection: true,
      reconnectionDelay: 1000,
      reconnectionDelayMax: 5000,
      reconnectionAttempts: 5,
    });
    socketRef.current = socket;

    socket.on("connect", () => setIsConnected(true));
    socket.on("disconnect", () => setIsConnected(false));
    socket.on("connect_error", (error) => {
      console.error("Socket connection error:", error.message);
      setIsConnected(false);
    });

    socket.on("file_progress", handleFileProgress);
    socket.on("job_update", handleFileProgress);
    socket.on("job_complete", handleJobComplete);
    socket.on("job_error", handleJobError);

    return () => {
      socket.off("file_progress", handleFileProgress);
      socket.off("job_update", handleFileProgress);
      socket.off("job_complete", handleJobComplete);
      socket.off("job_error", handleJobError);
      socket.disconnect();
      socketRef.current = null;
    };
  }, [userId, sessionToken, handleFileProgress, handleJobComplete, handleJobError]);

  const emit = useCallback((event, data) => socketRef.current?.emit(event, data), []);

  return { isConnected, emit };
}
