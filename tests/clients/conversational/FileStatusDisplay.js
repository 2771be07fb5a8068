// System A: what a person sees of it.
import { Component, createElement as h } from "react";
import { useFileStatusSocket } from "./useFileStatusSocket.js";
import { useFileStatusStore } from "./useFileStatusStore.js";

export class ErrorBoundary extends Component {
  state = { error: null };

  static getDerivedStateFromError(error) {
    return { error };
  }

  render() {
    return this.state.error
      ? h("p", { role: "alert" }, `Something broke: ${this.state.error.message}`)
      : this.props.children;
  }
}

export function FileProcessingTimeline({ fileId }) {
  const status = useFileStatusStore((state) => state.files[fileId]);
  if (!status) return null;
  return h(
    "article",
    { "data-file": fileId },
    h("h2", null, status.filename),
    h("progress", { value: status.overallProgress, max: 100 }),
    h(
      "ol",
      null,
      status.steps.map((step, index) =>
        h("li", { key: index, "data-status": step.status }, step.message),
      ),
    ),
    status.completedAt && h("strong", null, "Complete"),
    status.error && h("p", { role: "alert" }, status.error),
  );
}

export function FileStatusDisplay({ userId, sessionToken }) {
  const { isConnected } = useFileStatusSocket(userId, sessionToken);
  const files = useFileStatusStore((state) => state.files);
  return h(
    ErrorBoundary,
    null,
    h("span", { id: "badge" }, isConnected ? "Connected" : "Disconnected"),
    Object.keys(files).map((fileId) => h(FileProcessingTimeline, { key: fileId, fileId })),
  );
}
