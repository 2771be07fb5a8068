// System B: the processing server's HTTP calls.
const FLASK_API_URL = process.env.NEXT_PUBLIC_FLASK_API_URL || "http://localhost:5000";

class FlaskClient {
  constructor(baseUrl = FLASK_API_URL) {
    this.baseUrl = baseUrl;
  }

  async request(method, path, body) {
    console.log(`API Request: ${method} ${path}`);
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      credentials: "include",
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error || answer.detail || `HTTP ${response.status}`);
    return answer;
  }

  triggerInvoiceProcessing(url, filename, options = {}) {
    return this.request("POST", "/api/invoices/upload", { url, filename, options });
  }

  getProcessingStatus(taskId) {
    return this.request("GET", `/api/invoices/status/${taskId}`);
  }

  health() {
    return this.request("GET", "/api/health");
  }
}

export const flaskClient = new FlaskClient();
