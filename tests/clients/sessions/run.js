// System C's page in a tab: the states of its hook.
import "../browser.js";
import { obey, tell } from "../driver.js";

process.env.NEXT_PUBLIC_WS_URL = process.env.LIVETRAIL;
const { createElement: h, useEffect } = await import("react");
const { createRoot } = await import("react-dom/client");
const { useSessionWebSocket } = await import("./useSessionWebSocket.js");

function Session({ sessionId }) {
  const { socket, progress, modelResults, clarifications, isCompleted } =
    useSessionWebSocket(sessionId);
  useEffect(() =>
    tell({ connected: socket?.connected ?? false, progress, modelResults, clarifications, isCompleted }),
  );
  return h("progress", { max: 100, value: progress?.progress ?? 0 });
}

const call = async (path, options) => {
  const response = await fetch(`${process.env.LIVETRAIL}${path}`, {
    credentials: "include",
    ...options,
  });
  return { status: response.status, body: await response.json() };
};

const root = createRoot(document.getElementById("root"));
obey({
  mount: ({ sessionId }) => root.render(h(Session, { key: sessionId, sessionId })),
  session: ({ sessionId }) => call(`/api/wizard/session/${sessionId}`),
  respond: (answer) =>
    call("/api/wizard/clarifications/respond", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(answer),
    }),
  unmount: () => root.unmount(),
});
