// System A's page in a tab, and what its store and its components show.
import "../browser.js";
import { obey, tell } from "../driver.js";

process.env.NEXT_PUBLIC_SOCKET_URL = process.env.LIVETRAIL;
const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
const { FileStatusDisplay } = await import("./FileStatusDisplay.js");
const { useFileStatusStore } = await import("./useFileStatusStore.js");

const { USER_ID, TOKEN } = process.env;
const root = createRoot(document.getElementById("root"));
useFileStatusStore.subscribe(({ files }) => tell({ files }));
new window.MutationObserver(() =>
  tell({
    badge: document.getElementById("badge")?.textContent,
    shown: [...document.querySelectorAll("article")].map((one) => ({
      file: one.dataset.file,
      progress: one.querySelector("progress").value,
      steps: [...one.querySelectorAll("li")].map((step) => step.textContent),
      complete: one.querySelector("strong") !== null,
      alert: one.querySelector("[role=alert]")?.textContent ?? null,
    })),
    broken: document.querySelector("#root > [role=alert]")?.textContent ?? null,
  }),
).observe(document.getElementById("root"), {
  childList: true, subtree: true, characterData: true, attributes: true,
});

obey({
  mount: () =>
    root.render(createElement(FileStatusDisplay, { userId: USER_ID, sessionToken: TOKEN })),
  unmount: () => root.unmount(),
  store: ({ call, args }) => useFileStatusStore.getState()[call](...args),
});
