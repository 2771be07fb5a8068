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

/** @param {() => Promise<any>} call  @param {Record<string, {title: string, hint: string}>} [words] */
async function enter(call, words = {}) {
  box.hidden = true;
  try {
    await call();
    location.replace("/");
    return true;
  } catch (problem) {
    if (!problem.title) throw problem;
    tell(words[problem.code] ?? problem);
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

const USED = {
  title: "This link was used already, or is too old",
  hint: "Each works once. Sign in with your name and password, or start the server again for a new one.",
};
const EMPTY = { title: "This link has no token", hint: "Open it exactly as the server printed it." };

if (progress) {
  const entered =
    token && (await enter(() => api.post("/auth/link", { token }), { not_authenticated: USED }));
  if (!token) tell(EMPTY);
  if (!entered) {
    document.getElementById("gate-title").textContent = "You are not signed in yet";
    progress.textContent = "";
    document.getElementById("otherwise").hidden = false;
  }
}
