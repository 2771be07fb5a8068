// System D: the bar, the stages and the error, as a person sees them.
import { createElement as h } from "react";

const STAGES = ["validation", "scanning", "parsing", "database", "categorization"];
const COLOURS = {
  validation: "bg-blue-500",
  scanning: "bg-yellow-500",
  parsing: "bg-purple-500",
  database: "bg-green-500",
  categorization: "bg-indigo-500",
};

export function UploadProgress({ isConnected, progress, status, stage, message, details, error }) {
  const at = STAGES.indexOf(stage);
  return h(
    "div",
    null,
    h("span", { id: "connection" }, isConnected ? "Connected" : "Disconnected"),
    h("div", { role: "progressbar", className: COLOURS[stage], style: { width: `${progress.toFixed(1)}%` } }),
    h("p", { id: "message" }, message),
    h(
      "ol",
      null,
      STAGES.map((name, index) =>
        h("li", { key: name, "data-done": index < at || status === "completed" }, name),
      ),
    ),
    details?.total && h("p", { id: "rows" }, `${details.processed} of ${details.total} rows`),
    details?.size && h("p", { id: "size" }, `${details.filename}: ${details.size} bytes`),
    status === "error" && h("div", { role: "alert" }, h("p", null, error), h("button", null, "Retry")),
  );
}
