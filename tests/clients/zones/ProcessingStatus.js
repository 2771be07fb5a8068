// System E: its view of one document.
import { createElement as h, useEffect, useState } from "react";

export function ProcessingStatus({ documentId, socket }) {
  const { isConnected, on } = socket;
  const [progress, setProgress] = useState(0);
  const [currentZone, setCurrentZone] = useState(null);

  useEffect(() => {
    const unsubscribeProgress = on("processing_progress", (event) => {
      if (event.document_id !== documentId) return;
      setProgress(event.progress);
      if (event.current_zone) setCurrentZone(event.current_zone);
    });
    const unsubscribeZone = on("zone_processing", (event) => {
      if (event.document_id === documentId) setCurrentZone(event.zone_id);
    });
    const unsubscribeCompleted = on("processing_completed", (event) => {
      if (event.document_id === documentId) setProgress(100);
    });
    return () => {
      unsubscribeProgress();
      unsubscribeZone();
      unsubscribeCompleted();
    };
  }, [documentId, on]);

  return h(
    "div",
    null,
    h("p", { id: "connection" }, `Connection: ${isConnected ? "Connected" : "Disconnected"}`),
    h("p", { id: "progress" }, `Progress: ${progress.toFixed(1)}%`),
    currentZone && h("p", { id: "zone" }, `Current Zone: ${currentZone}`),
  );
}
