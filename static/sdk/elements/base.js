/** What the elements share: the connection of their page, and how they are painted.
 *
 *  Attributes of all: `server` ("https://files.example.org"; none: the page's own), `token` (a
 *  listen-only token), `job` or `batch` (an id). Property: `getToken`, see client.js.
 *  Looks: the custom properties --lt-accent, --lt-good, --lt-bad, --lt-warn, --lt-line, --lt-surface,
 *  --lt-ink, --lt-ink-2, --lt-radius; `::part()` names each part.
 */

import { createPainter } from "../frame.js";
import { isConnected, join } from "../shared.js";

const CSS = [
  ":host { display: block; color: var(--lt-ink, CanvasText); font: 14px/1.45 system-ui, sans-serif;",
  "--accent: var(--lt-accent, light-dark(#2b5f8f, #8ab8e6)); --good: var(--lt-good, light-dark(#23774f, #7bc79d));",
  "--bad: var(--lt-bad, light-dark(#b3322b, #f0938c)); --warn: var(--lt-warn, light-dark(#8a5a00, #e3b25c));",
  "--line: var(--lt-line, light-dark(#dcdcd6, #34342f)); --surface: var(--lt-surface, Canvas);",
  "--dim: var(--lt-ink-2, light-dark(#5b5b55, #aeaea6)); color-scheme: inherit; }",
  ":host([hidden]) { display: none; }",
  "* { box-sizing: border-box; margin: 0; }",
  ".card { padding: 12px 16px; background: var(--surface); border: 1px solid var(--line); border-radius: var(--lt-radius, 8px); }",
  ".head { display: flex; gap: 8px; align-items: baseline; justify-content: space-between; }",
  ".name { font-weight: 600; overflow-wrap: anywhere; }",
  ".dim, small { color: var(--dim); font-size: 13px; }",
  ".bar { height: 6px; margin: 8px 0; background: var(--line); border-radius: 3px; overflow: hidden; }",
  ".bar > i { display: block; height: 100%; width: 0; background: var(--accent); border-radius: 3px; transition: width .2s; }",
  "[data-phase=done] .bar > i { background: var(--good); } [data-phase=failed] .bar > i { background: var(--bad); }",
  "[data-phase=asking] .bar > i, [data-phase=paused] .bar > i { background: var(--warn); }",
  ".bad { color: var(--bad); }",
  "ol { padding: 0; list-style: none; }",
  "li { display: grid; grid-template-columns: 18px 1fr auto; gap: 2px 8px; padding: 4px 0; }",
  "li > b { font-weight: 500; } li > small { grid-column: 2 / -1; }",
  "[data-state=done] > :first-child { color: var(--good); } [data-state=failed] > :first-child { color: var(--bad); } [data-state=running] > :first-child { color: var(--accent); }",
  "button, .drop { font: inherit; color: inherit; }",
  "button { min-height: 32px; padding: 4px 12px; background: var(--surface); border: 1px solid var(--line); border-radius: 6px; cursor: pointer; }",
  ":focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }",
  ".drop { padding: 24px 16px; text-align: center; border: 2px dashed var(--line); border-radius: var(--lt-radius, 8px); }",
  ".drop[data-over] { border-color: var(--accent); }",
  ".vh { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }",
  ".list { display: grid; gap: 8px; margin-top: 8px; }",
  "@media (prefers-reduced-motion: reduce) { .bar > i { transition: none; } }",
].join("\n");
/** @type {CSSStyleSheet|undefined} */
let sheet;

/** A sheet made by script needs no permission of the page's policy, as a style element would. */
function styles() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}

/** @typedef {import("../store.js").FileStatus} FileStatus */

export class LivetrailElement extends HTMLElement {
  static observedAttributes = ["server", "token", "job", "batch"];

  constructor() {
    super();
    /** @type {import("../types.js").ClientOptions["getToken"]} */
    this.tokens = given(this, "getToken") ?? null;
    /** @type {import("../shared.js").Member|null} */
    this.member = null;
    /** @type {(() => void)[]} */
    this.endings = [];
    this.root = this.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = [styles()];
    this.painter = createPainter(() => {
      if (this.isConnected) this.render();
    });
  }

  connectedCallback() {
    this.begin();
  }

  get getToken() {
    return this.tokens;
  }

  set getToken(getToken) {
    this.tokens = getToken;
    this.attributeChangedCallback();
  }

  disconnectedCallback() {
    this.end();
  }

  attributeChangedCallback() {
    if (this.member === null) return;
    this.end();
    this.begin();
  }

  begin() {
    const server = this.getAttribute("server") ?? "";
    const token = this.getAttribute("token");
    this.member = join({
      server,
      ...(this.tokens ? { getToken: this.tokens } : token ? { token } : {}),
    });
    const room = this.room;
    if (room) this.member.client.follow(room, 0);
    this.endings.push(
      this.member.store.subscribe("*", () => this.paint()),
      this.member.onState(() => this.paint()),
    );
    this.render();
  }

  end() {
    for (const ending of this.endings.splice(0)) ending();
    this.member?.leave();
    this.member = null;
  }

  paint() {
    this.painter.mark("all");
  }

  /** The room that the attributes name; null for none. @returns {string|null} */
  get room() {
    for (const kind of ["job", "batch"]) {
      const id = this.getAttribute(kind);
      if (id) return `${kind}:${id}`;
    }
    return null;
  }

  /** What is shown: the files of the job or batch. @returns {FileStatus[]} */
  get files() {
    const job = this.getAttribute("job");
    const batch = this.getAttribute("batch");
    const all = this.member?.store.getAllStatuses() ?? [];
    return all.filter((file) => (job ? file.fileId === job : batch ? file.batchId === batch : false));
  }

  /** @returns {FileStatus|undefined} */
  get file() {
    return this.files[0];
  }

  get connected() {
    return this.member !== null && isConnected(this.member.state);
  }

  render() {}
}

/** A property that was set before the element was known, which hides the class's own.
 *  @param {any} element  @param {string} name  @returns {any} */
export function given(element, name) {
  if (!Object.hasOwn(element, name)) return undefined;
  const value = element[name];
  delete element[name];
  return value;
}

/** An element with attributes and children; a text is only ever a text.
 *  @param {string} tag  @param {Record<string, string|number|null|undefined>} [attributes]
 *  @param {(Node|string|null|undefined)[]} children */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The bar of one file, and what brings it up to date. Its width is set by script: a style attribute
 *  may not be allowed. */
export function createBar() {
  const fill = document.createElement("i");
  const bar = h("div", {
    class: "bar",
    part: "bar",
    role: "progressbar",
    "aria-label": "Progress",
    "aria-valuemin": 0,
    "aria-valuemax": 100,
  });
  bar.append(fill);
  return {
    bar,
    /** @param {FileStatus} file  @param {string|undefined} of  what it is the progress of */
    update(file, of) {
      if (of) bar.setAttribute("aria-label", `Progress of ${of}`);
      const percent = Math.round(file.overallProgress);
      fill.style.width = `${percent}%`;
      bar.setAttribute("aria-valuenow", String(percent));
      bar.setAttribute("aria-valuetext", `${percent}%, ${file.message}`);
    },
  };
}
