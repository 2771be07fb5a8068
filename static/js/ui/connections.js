/** What operators see of a connection; app/web/opsview.py in JavaScript. Pure.
 *
 *  connectionLine(connection, now) -> what the table shows of one   now: the server's, ISO 8601
 *  figures(status) -> {key: [value, note]}
 *  columns(spread) -> [{label, share}]     a histogram in percent of all, up to the last that is filled
 *  factsText(facts) -> "op retry · job id …c810a8"
 *  partDetails(status) -> {workers: "1 job at work", ...}
 *  actor(entry)     -> "guest of ann"
 *  frameText(frame) -> its text, after its kind where that is not text
 */

import { formatBytes, formatCount, formatDuration, plural } from "../../sdk/format.js";

const ROOMS_SHOWN = 3;
const SHORT_ID = 6;
const HOW = {
  cookie: "browser",
  token: "API token",
  ticket: "ticket",
  listen: "listen-only token",
  share: "share link",
};
const TRANSPORTS = { websocket: "WebSocket", sse: "Event stream", socketio: "Socket.IO" };
const ROOMS = { user: "own files", all: "all files" };

/** @param {Record<string, any>} one  @param {string} now */
export function connectionLine(one, now) {
  const ms = Math.max(0, Date.parse(now) - Date.parse(one.since));
  return {
    id: one.id,
    who: one.user,
    how: [HOW[one.client] ?? one.client, one.address].filter(Boolean).join(" · "),
    by: TRANSPORTS[one.transport] ?? one.transport,
    form: one.transport === "sse" ? "" : one.format,
    since: formatDuration(ms < 10_000 ? ms : Math.floor(ms / 1000) * 1000),
    follows: one.rooms.length ? one.rooms.slice(0, ROOMS_SHOWN).map(roomLink) : [["nothing yet", ""]],
    more: one.rooms.length > ROOMS_SHOWN ? `+${one.rooms.length - ROOMS_SHOWN}` : "",
    place: formatCount(one.cursor),
    behind: one.lag ? `${formatCount(one.lag)} behind` : "",
    sent: formatBytes(one.bytes_out),
    events: plural(one.events_out, "event"),
    received: formatCount(one.messages_in),
    is_logged: one.logged_until !== null,
  };
}

/** @returns {[string, string]} words and address */
function roomLink(room) {
  const at = room.indexOf(":");
  const kind = at < 0 ? room : room.slice(0, at);
  if (ROOMS[kind]) return [ROOMS[kind], ""];
  const id = room.slice(at + 1);
  const [word, folder] = kind === "job" ? ["file", "jobs"] : ["batch", "batches"];
  return [`${word} ${id.slice(-SHORT_ID)}`, `/${folder}/${id}`];
}

const sum = (counts) => Object.values(counts).reduce((all, one) => all + one, 0);

/** @param {Record<string, any>} status  @returns {Record<string, [string, string]>} */
export function figures(status) {
  const { telling_s: telling, transaction_s: writing } = status;
  const people = new Set(status.connections.map((one) => one.user_id)).size;
  return {
    connected: [
      formatCount(status.connected),
      `of ${formatCount(status.limits.connections)} · ${plural(people, "person", "people")}`,
    ],
    sent: [formatCount(status.deliveries), formatBytes(status.bytes_out)],
    delay: [bound(telling.p50), telling.count ? `99 in 100 under ${bound(telling.p99)}` : "nothing told yet"],
    behind: [formatCount(status.behind), "connections behind the log"],
    log: [
      formatCount(status.head),
      writing.count ? `99 in 100 writes under ${bound(writing.p99)}` : "no writes",
    ],
    refused: [
      formatCount(sum(status.refused)),
      `and ${plural(sum(status.rejected), "message")} not understood`,
    ],
  };
}

/** What parts of the server are said to do that change all the time; /readyz says the same. */
export const partDetails = ({ jobs_at_work: jobs, connected }) => ({
  workers: `${plural(jobs, "job")} at work`,
  live: plural(connected, "connection"),
});

/** "2.5 ms". @param {number|null} seconds */
export function bound(seconds) {
  if (seconds === null) return "–";
  return seconds >= 1 ? `${seconds} s` : `${Number((seconds * 1000).toPrecision(6))} ms`;
}

const COLUMNS_AT_LEAST = 9;

/** @param {{count: number, buckets: [number|null, number][]}} spread  counts up to each bound */
export function columns({ count, buckets }) {
  const last = buckets.findIndex(([, all]) => all === count);
  return buckets.slice(0, Math.max(COLUMNS_AT_LEAST, last + 1)).map(([upto, all], at) => {
    const own = all - (at ? buckets[at - 1][1] : 0);
    const label = upto === null ? "more" : String(Number((upto * 1000).toPrecision(6)));
    return { label, share: count ? (own / count) * 100 : 0 };
  });
}

const LONG_ID = /[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}/g;

/** @returns {string} */
function fact(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(fact).join(", ");
  return String(value).replace(LONG_ID, (id) => `…${id.slice(-SHORT_ID)}`);
}

/** @param {Record<string, any>} facts */
export const factsText = (facts) =>
  Object.entries(facts)
    .filter(([key, value]) => key !== "via" && value !== "")
    .map(([key, value]) => `${key.replaceAll("_", " ")} ${fact(value)}`)
    .join(" · ");

/** @param {{name: string, client: string}} entry */
export const actor = ({ name, client }) => (name && client === "share" ? `guest of ${name}` : name || "somebody");

/** @param {{kind: string, text: string}} frame */
export const frameText = ({ kind, text }) => (kind === "text" ? text : `${kind} ${text}`);
