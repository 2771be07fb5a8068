// System B: upload a file, then have it processed.
import { flaskClient } from "./flaskClient.js";

const API_URL = process.env.NEXT_PUBLIC_API_URL || "http://localhost:3000";

async function upload(file) {
  console.log("API Request: POST /api/upload");
  const form = new FormData();
  form.append("file", file);
  const response = await fetch(`${API_URL}/api/upload`, {
    method: "POST",
    credentials: "include",
    body: form,
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || answer.detail || "Upload failed");
  return answer;
}

export const processingApi = {
  async uploadAndProcess(file, options = {}) {
    const { url, filename } = await upload(file);
    const { task_id, websocket_room } = await flaskClient.triggerInvoiceProcessing(
      url,
      filename ?? file.name,
      options,
    );
    return { task_id, websocket_room };
  },

  uploadAndProcessBatch(files, options = {}) {
    return Promise.all(files.map((file) => this.uploadAndProcess(file, options)));
  },
};
