// System B's page in a tab: the states of its hook, and what a person sees.
import { chosen } from "../browser.js";
import { obey, tell } from "../driver.js";

process.env.NEXT_PUBLIC_FLASK_API_URL = process.env.LIVETRAIL;
process.env.NEXT_PUBLIC_API_URL = process.env.LIVETRAIL;
const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
const { DocumentUpload } = await import("./DocumentUpload.js");
const { flaskClient } = await import("./flaskClient.js");

const root = createRoot(document.getElementById("root"));
const texts = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent);
let current;

obey({
  mount: ({ files = [], options = {}, maxFiles = 10 }) =>
    root.render(
      createElement(DocumentUpload, {
        maxFiles,
        options,
        chosen: files.map(chosen),
        onUploadComplete: (results) => tell({ all_done: results }),
        onHook: (hook) => {
          current = hook;
          const { isConnected, files, filesMap } = hook;
          tell({ isConnected, files, filesMap, line: texts("#line")[0], alerts: texts("[role=alert]") });
        },
      }),
    ),
  press: () => document.querySelector("button").click(),
  single: ({ file, options }) => current.startSingleProcessing(chosen(file), options),
  reset: () => current.resetProcessing(),
  status: ({ task_id }) => flaskClient.getProcessingStatus(task_id),
  health: () => flaskClient.health(),
  seen: () =>
    [...document.querySelectorAll(".file")].map((one) => ({
      filename: one.querySelector("b").textContent,
      status: one.querySelector("i").textContent,
      stage: one.querySelector("em").textContent,
      progress: one.querySelector("progress").value,
    })),
  unmount: () => root.unmount(),
});
