// System D's modal in a tab: its states, every message that came, and what a person sees.
import { chosen } from "../browser.js";
import { obey, tell } from "../driver.js";

process.env.NEXT_PUBLIC_API_URL = process.env.LIVETRAIL;
process.env.NEXT_PUBLIC_WS_URL = process.env.LIVETRAIL.replace("http", "ws");
const { createElement: h } = await import("react");
const { createRoot } = await import("react-dom/client");

// What comes is told as it came, beside what the hook makes of it.
globalThis.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({ data }) => tell({ frame: data }));
    this.addEventListener("close", ({ code }) => tell({ closed: code }));
  }
};
const { UploadModal, fetchWebSocketToken, uploadCsv } = await import("./UploadModal.js");

const root = createRoot(document.getElementById("root"), {
  onUncaughtError: (error) => tell({ crashed: error.message }),
});
const text = (selector) => document.querySelector(selector)?.textContent ?? null;

obey({
  mount: ({ file }) =>
    root.render(h(UploadModal, { key: file.name, file: chosen(file), onState: (state) => tell({ state }) })),
  token: () => fetchWebSocketToken(),
  upload: ({ file, batchId }) => uploadCsv(chosen(file), batchId),
  seen: () => ({
    connection: text("#connection"),
    message: text("#message"),
    alert: text("[role=alert] p"),
    size: text("#size"),
    rows: text("#rows"),
    colour: document.querySelector("[role=progressbar]")?.className,
    width: document.querySelector("[role=progressbar]")?.style.width,
    done: [...document.querySelectorAll("li")].map((one) => one.dataset.done),
  }),
  unmount: () => root.unmount(),
});
