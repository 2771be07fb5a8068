/** Notifications of this browser, while a page is open and its reader looks at something else.
 *
 *  createNotices({isHidden?, Note?, go?}) -> {hear(event)}   a batch ended, or a question waits
 *  bindSwitch(box, {memory, Note?, isSafe?})                 the switch in the account; the browser
 *                                                            asks its reader when it is turned on
 *  NOTICES                                                   "on" under this key of `memory`
 */

export const NOTICES = "livetrail.notices";

/** One for each upload: a later one takes the place of the one before, in all open tabs.
 *  @param {{type: string, batch_id?: string|null, job_id?: string|null, message: string, question?: string}} event */
export function noticeOf({ type, batch_id: batch, job_id: job, message, question }) {
  const path = batch ? `/batches/${batch}` : `/jobs/${job}`;
  if (type === "batch_completed") return { title: "An upload is done", body: message, path };
  if (type === "clarification_requested") {
    return { title: "A file has a question for you", body: question ?? message, path };
  }
  return null;
}

export function createNotices({
  isHidden = () => document.hidden,
  Note = globalThis.Notification,
  go = (path) => location.assign(path),
} = {}) {
  return {
    hear(event) {
      const notice = noticeOf(event);
      if (!notice || !isHidden() || Note?.permission !== "granted") return;
      const { title, body, path } = notice;
      const note = new Note(title, { body, tag: `livetrail ${path}` });
      note.onclick = () => {
        globalThis.focus?.();
        note.close();
        go(path);
      };
    },
  };
}

/** @param {HTMLElement} box */
export function bindSwitch(box, { memory, Note = globalThis.Notification, isSafe = globalThis.isSecureContext }) {
  const input = box.querySelector("input");
  const text = box.querySelector('[data-part="here-text"]');
  const usual = text.textContent;
  const show = () => {
    const refused = Note?.permission === "denied";
    input.disabled = !Note || !isSafe || refused;
    input.checked = !input.disabled && Note.permission === "granted" && memory.get(NOTICES) === "on";
    text.textContent = usual;
    if (refused) text.textContent = "you told this browser not to; its settings for this site can change that";
    if (!Note || !isSafe) text.textContent = "works where Livetrail is reached by https or on this machine";
  };
  input.addEventListener("change", async () => {
    const granted = input.checked && (await Note.requestPermission()) === "granted";
    memory.set(NOTICES, granted ? "on" : "off");
    show();
  });
  show();
  box.hidden = false;
}
