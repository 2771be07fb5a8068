// System B: its React hook.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { io } from "socket.io-client";
import { processingApi } from "./processingApi.js";

const FLASK_API_URL = process.env.NEXT_PUBLIC_FLASK_API_URL || "http://localhost:5000";

export function useAsyncProcessing() {
  const socketRef = useRef(null);
  const tasksRef = useRef(new Set());
  const [isConnected, setIsConnected] = useState(false);
  const [filesMap, setFilesMap] = useState({});

  const handleUpdate = useCallback((update) => {
    console.log("Task update received:", update);
    setFilesMap((files) => {
      const file = files[update.task_id];
      if (!file) return files;
      const next = {
        ...file,
        status: "processing",
        progress: update.progress ?? file.progress,
        stage: update.stage ?? file.stage,
        updates: [...file.updates, update],
      };
      if (update.type === "complete") {
        Object.assign(next, { status: "completed", progress: 100, result: update.result });
        tasksRef.current.delete(update.task_id);
      }
      if (update.type === "error") {
        Object.assign(next, { status: "error", error: update.error || update.message });
        tasksRef.current.delete(update.task_id);
      }
      return { ...files, [update.task_id]: next };
    });
  }, []);

  useEffect(() => {
    const socket = io(FLASK_API_URL, {
      transports: ["websocket", "polling"],
      withCredentials: true,
      reconnection: true,
    });
    socketRef.current = socket;

    socket.on("connect", () => {
      console.log("Connected to Flask WebSocket server");
      setIsConnected(true);
      // The rooms of a connection end with it.
      for (const task_id of tasksRef.current) socket.emit("join_task", { task_id });
    });
    socket.on("disconnect", () => setIsConnected(false));
    socket.on("joined_task", ({ task_id }) => console.log(`Joined task room: ${task_id}`));
    socket.on("task_update", handleUpdate);

    return () => {
      for (const task_id of tasksRef.current) socket.emit("leave_task", { task_id });
      socket.disconnect();
    };
  }, [handleUpdate]);

  const follow = useCallback((taskId, filename) => {
    tasksRef.current.add(taskId);
    setFilesMap((files) => ({
      ...files,
      [taskId]: {
        task_id: taskId,
        filename,
        status: "pending",
        progress: 0,
        stage: null,
        updates: [],
        result: null,
        error: null,
      },
    }));
    socketRef.current.emit("join_task", { task_id: taskId });
  }, []);

  const startSingleProcessing = useCallback(
    async (file, options) => {
      if (!socketRef.current?.connected) {
        throw new Error("WebSocket not connected. Please refresh.");
      }
      const { task_id } = await processingApi.uploadAndProcess(file, options);
      follow(task_id, file.name);
      return task_id;
    },
    [follow],
  );

  const startBatchProcessing = useCallback(
    (files, options) => {
      console.log(`Starting batch processing: ${files.length} files`);
      return Promise.all(files.map((file) => startSingleProcessing(file, options)));
    },
    [startSingleProcessing],
  );

  const resetProcessing = useCallback(() => {
    for (const task_id of tasksRef.current) socketRef.current?.emit("leave_task", { task_id });
    tasksRef.current.clear();
    setFilesMap({});
  }, []);

  const files = useMemo(() => Object.values(filesMap), [filesMap]);
  return {
    isConnected,
    files,
    filesMap,
    startBatchProcessing,
    startSingleProcessing,
    resetProcessing,
  };
}
