// System E's view in a tab whose sockets are those of `ws`: every message, and what a person sees.
import "../browser.js";
import { obey, tell } from "../driver.js";
import { WebSocket } from "ws";

globalThis.WebSocket = WebSocket;
const { createElement: h, useEffect } = await import("react");
const { createRoot } = await import("react-dom/client");
const { ProcessingStatus } = await import("./ProcessingStatus.js");
const { useWebSocket } = await import("./useWebSocket.js");

const generateClientId = () => `client_${Math.random().toString(36).slice(2)}`;
const TYPES = [
  "connection", "connection_established", "connection_lost", "reconnected", "user_disconnected",
  "processing_started", "processing_progress", "zone_processing", "zone_completed",
  "processing_completed", "processing_failed", "clarification_requested",
  "clarification_answered", "export_started", "export_progress", "export_completed", "export_failed",
];

let current;
function View({ clientId, documentId }) {
  const base = process.env.LIVETRAIL.replace("http", "ws");
  const socket = useWebSocket({ url: `${base}/ws/${clientId}?token=${process.env.TOKEN}` });
  current = socket;
  const { isConnected, on } = socket;
  useEffect(() => tell({ isConnected }), [isConnected]);
  // Told after the effects of what is within it: from now on that hears of this document.
  useEffect(() => tell({ shownId: documentId }), [documentId]);
  useEffect(() => {
    const ends = TYPES.map((type) => on(type, (event) => tell({ event })));
    return () => ends.forEach((end) => end());
  }, [on]);
  return h(ProcessingStatus, { documentId, socket });
}

const page = document.getElementById("root");
new window.MutationObserver(() => {
  tell({ seen: [...page.querySelectorAll("p")].map((one) => one.textContent) });
}).observe(page, { subtree: true, childList: true, characterData: true });

const root = createRoot(page);
const clientId = generateClientId();
obey({
  mount: ({ documentId = null }) => {
    root.render(h(View, { clientId, documentId }));
    return clientId;
  },
  last: () => current.lastMessage,
  send: (message) => current.sendMessage(message),
  unmount: () => root.unmount(),
});
