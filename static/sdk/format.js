/** Numbers, sizes and times in words. Pure; `now` is handed in.
 *
 *  formatCount(12960) -> "12,960"            plural(2, "row") -> "2 rows"
 *  formatBytes(1900000) -> "1.9 MB"
 *  formatDuration(ms) -> "0.9 s" "41 s" "2 min 5 s" "1 h 3 min"
 *  formatLeft(seconds|null, between?) -> "a few seconds left" "40 s left" "about 3 min left" ""
 *  timeLeft(status, nowMs) -> what stands beside the percentage; "" where nothing is known
 *  formatClock(iso, {seconds?}) -> "10:41"
 *  amountText("-1234.50") -> "-1,234.50"
 */

const grouped = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });

/** @param {number} number */
export const formatCount = (number) => grouped.format(number);

/** "1 new row", "12,960 rows".
 *  @param {number} number  @param {string} singular  @param {string} [several] */
export const plural = (number, singular, several = `${singular}s`) =>
  `${formatCount(number)} ${number === 1 ? singular : several}`;

/** One decimal; a tie goes to the even digit, as in the server's own words. @param {number} value */
const oneDecimal = (value) => (value % 1 === 0.25 ? value - 0.05 : value).toFixed(1);

/** @param {number} bytes  decimal units, as file managers and the server's sentences use */
export function formatBytes(bytes) {
  if (bytes < 1000) return plural(bytes, "byte");
  const units = ["KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value < 9.95 ? oneDecimal(value) : Math.round(value)} ${units[unit]}`;
}

/** @param {number} ms */
export function formatDuration(ms) {
  if (ms < 10_000) return `${oneDecimal(Math.max(0, ms) / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return withRest(`${minutes} min`, seconds % 60, "s");
  return withRest(`${Math.floor(minutes / 60)} h`, minutes % 60, "min");
}

/** @param {string} whole  @param {number} rest  @param {string} unit */
const withRest = (whole, rest, unit) => (rest ? `${whole} ${rest} ${unit}` : whole);

/** @param {number|null|undefined} seconds  @param {[number, number]|null} [between]  while not sure */
export function formatLeft(seconds, between) {
  if (seconds === null || seconds === undefined) return "";
  const sure = between && between[0] <= seconds && seconds <= between[1];
  const range = sure ? formatBetween(between) : "";
  if (range) return range;
  if (seconds <= 5) return "a few seconds left";
  if (seconds < 60) return `${Math.min(55, Math.round(seconds / 5) * 5)} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${minutes} min left`;
  return `about ${plural(Math.round(minutes / 60), "hour")} left`;
}

/** "20 to 45 s left"; "" where both ends are the same words, or hours.
 *  @param {[number, number]} between */
function formatBetween([low, high]) {
  const [size, unit, limit] = high < 60 ? [5, "s", 55] : [60, "min", 59];
  const step = unit === "s" ? 5 : 1;
  const least = Math.round(low / size) * step;
  const nearest = Math.round(high / size) * step;
  const most = unit === "s" ? Math.min(limit, nearest) : nearest;
  if ((unit === "s" && most <= 5) || least >= most || most > limit) return "";
  return least ? `${least} to ${most} ${unit} left` : `up to ${most} ${unit} left`;
}

const QUIET_AFTER_MS = 30_000;

/** What stands beside the percentage of a running file: the time left, counted down since the
 *  last event; after 30 s without news a sentence instead, which does not promise that a worker
 *  elsewhere is still at it; "" while paused, asking or waiting.
 *  @param {import("./jobs.js").FileStatus} status  @param {number} nowMs */
export function timeLeft(status, nowMs) {
  const job = status.job;
  if (status.phase !== "running" || !job) return "";
  const silent = nowMs - Date.parse(job.updated_at);
  if (silent >= QUIET_AFTER_MS) {
    if (job.reported) return `Nothing heard for ${formatDuration(silent)}`; // it may have died
    const stage = job.stages.find((one) => one.key === job.stage);
    return `Still ${(stage?.label ?? "working").toLowerCase()}`;
  }
  const left = job.estimated_time_remaining;
  if (left === null || left === undefined) return "";
  /** @param {number} seconds */
  const less = (seconds) => Math.max(0, seconds - Math.max(0, silent) / 1000);
  return formatLeft(less(left), job.details.eta_range?.map(less));
}

/** @param {number} number */
const two = (number) => String(number).padStart(2, "0");

/** Local clock time. @param {string} iso  @param {{seconds?: boolean}} [options] */
export function formatClock(iso, { seconds = false } = {}) {
  const at = new Date(iso);
  const text = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return seconds ? `${text}:${two(at.getSeconds())}` : text;
}

/** @param {string|null} amount  a decimal string */
export function amountText(amount) {
  if (!amount) return "";
  const [, sign = "", whole = "", rest = ""] = /^(-?)(\d*)(.*)$/.exec(amount) ?? [];
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + rest;
}
