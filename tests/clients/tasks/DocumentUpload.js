// System B: its page of files. What a person chose is handed in by the test, as `chosen`.
import { createElement as h, useEffect, useState } from "react";
import { useAsyncProcessing } from "./useAsyncProcessing.js";

export function DocumentUpload({ maxFiles, chosen, options, onHook, onUploadComplete }) {
  const hook = useAsyncProcessing();
  const [problem, setProblem] = useState(null);
  useEffect(() => onHook(hook));

  useEffect(() => {
    if (hook.files.length > 0 && hook.files.every((file) => file.status === "completed")) {
      onUploadComplete(hook.files.map((file) => file.result));
    }
  }, [hook.files]);

  const start = () =>
    hook
      .startBatchProcessing(chosen.slice(0, maxFiles), options)
      .catch((error) => setProblem(error.message));

  return h(
    "main",
    null,
    h("p", { id: "line" }, `WebSocket: ${hook.isConnected ? "Connected" : "Disconnected"}`),
    h("button", { onClick: start }, "Upload & Process All"),
    problem && h("p", { role: "alert" }, problem),
    hook.files.map((file) =>
      h(
        "div",
        { key: file.task_id, className: "file" },
        h("b", null, file.filename),
        h("i", null, file.status),
        h("em", null, file.stage),
        h("progress", { max: 100, value: file.progress }),
        file.error && h("p", { role: "alert" }, file.error),
      ),
    ),
  );
}
