/** Setup and sign-in links: their token stands in the fragment, which a browser never sends. */

import { createApi } from "../net/api.js";

const api = createApi();
const token = decodeURIComponent(location.hash.slice(1)).replace(/^token=/, "");
// out of the address bar and out of the history
if (token) history.replaceState(null, "", location.pathname + location.search);

const box = document.getElementById("problem");
const claim = document.getElementById("claim");
const progress = document.getElementById("progress");

function tell(problem) {
  box.querySelector("[data-part=title]").textContent = `${problem.title}.`;
  box.querySelector("[data-part=hint]").textContent = problem.hint;
  box.hidden = false;
}

/** @param {() => Promise<any>} call */
async function enter(call) {
  box.hidden = true;
  try {
    await call();
    location.replace("/");
    return true;
  } catch (problem) {
    if (!problem.title) throw problem;
    tell(problem);
    return false;
  }
}

if (claim) {
  claim.elements.token.value = token;
  document.getElementById("token-field").hidden = Boolean(token);
  claim.elements.name.focus();
  claim.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = claim.querySelector("button");
    button.setAttribute("aria-busy", "true");
    const { token: secret, name, password } = Object.fromEntries(new FormData(claim));
    const entered = await enter(() => api.post("/auth/claim", { token: secret, name, password }));
    if (!entered) button.removeAttribute("aria-busy");
  });
}

if (progress) {
  const entered = token
    ? await enter(() => api.post("/auth/link", { token }))
    : (tell({ title: "This link has no token", hint: "Open it exactly as the server printed it." }), false);
  if (!entered) progress.textContent = "That did not work.";
}
