// System D: its modal. It makes the batch's id, listens, and then uploads.
import { createElement as h, useCallback, useEffect, useState } from "react";
import { UploadProgress } from "./UploadProgress.js";
import { useUploadProgress } from "./useUploadProgress.js";

const API_URL = process.env.NEXT_PUBLIC_API_URL || "http://localhost:8000";

export async function fetchWebSocketToken() {
  const response = await fetch(`${API_URL}/api/v1/auth/websocket-token`, {
    method: "POST",
    credentials: "include",
  });
  if (!response.ok) throw new Error(`No WebSocket token: ${response.status}`);
  const { token } = await response.json();
  return token;
}

export async function uploadCsv(file, batchId) {
  const form = new FormData();
  form.append("file", file);
  if (batchId) form.append("batch_id", batchId);
  const response = await fetch(`${API_URL}/api/v1/upload/csv`, {
    method: "POST",
    credentials: "include",
    body: form,
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail || "Upload failed");
  return answer;
}

export function UploadModal({ file, onState }) {
  const [batchId, setBatchId] = useState(null);
  const [token, setToken] = useState(null);
  const [isUploading, setIsUploading] = useState(false);
  const [uploadError, setUploadError] = useState(null);

  const refresh = useCallback(
    () => fetchWebSocketToken().then(setToken, () => setToken(null)),
    [],
  );
  const upload = useUploadProgress(batchId, token, { onAuthError: refresh });
  useEffect(() => onState({ batchId, uploadError, ...upload }));

  useEffect(() => {
    setBatchId(crypto.randomUUID());
    refresh();
  }, [refresh]);

  // Upload once somebody listens; without a socket, upload all the same.
  useEffect(() => {
    if (!batchId || isUploading || !upload.isConnected) return;
    setIsUploading(true);
    uploadCsv(file, batchId).catch((error) => setUploadError(error.message));
  }, [batchId, isUploading, upload.isConnected, file]);

  return h(
    "section",
    { role: "dialog" },
    h(UploadProgress, upload),
    uploadError && h("p", { role: "alert" }, uploadError),
  );
}
