/** Setup, sign-in and share links: their token stands in the fragment, which a browser never sends. */

import { createApi } from "../../sdk/api.js";

const api = createApi();
const token = tokenOf(location.hash.slice(1)).replace(/^token=/, "");
// out of the address bar and out of the history
if (token) history.replaceState(null, "", location.pathname + location.search);
// a link that is opened where this page stands already changes nothing but the fragment
addEventListener("hashchange", () => location.reload());

const box = document.getElementById("problem");
const claim = document.getElementById("claim");
const progress = document.getElementById("progress");

/** A fragment that was garbled on its way holds no token. @param {string} text */
function tokenOf(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function tell(problem) {
  box.querySelector("[data-part=title]").textContent = `${problem.title}.`;
  box.querySelector("[data-part=hint]").textContent = problem.hint;
  box.hidden = false;
}

/** @param {() => Promise<any>} call  @param {Record<string, {title: string, hint: string}>} [words] */
async function enter(call, words = {}) {
  box.hidden = true;
  try {
    const { page = "/" } = await call();
    location.replace(page);
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
const ENDED = {
  title: "This link has ended",
  hint: "It is over, or was taken back. Ask whoever sent it for a new one.",
};
const shares = progress?.dataset.kind === "share";

// somebody whose link is good already goes on to what it shows
if (shares && !token && document.body.dataset.log) location.replace("/");
else if (progress) {
  const [path, words] = shares ? ["/auth/share", ENDED] : ["/auth/link", USED];
  const entered =
    token && (await enter(() => api.post(path, { token }), { not_authenticated: words }));
  if (!token) tell(shares ? ENDED : EMPTY);
  if (!entered) {
    document.getElementById("gate-title").textContent = shares ? "Nothing to see here" : "You are not signed in yet";
    progress.textContent = "";
    document.getElementById("otherwise").hidden = false;
  }
}
