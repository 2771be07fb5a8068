// A browser's tab for code that expects one: jsdom's window, at the address of somebody else's
// front end. Its requests and sockets have that origin, cookies, and the rules about both (CORS).
import { register } from "node:module";
import { JSDOM, CookieJar, VirtualConsole } from "jsdom";
import { tell } from "./driver.js";

register("./bundled.js", import.meta.url);

const { PAGE, LIVETRAIL, COOKIE } = process.env;

const cookies = new CookieJar();
if (COOKIE) cookies.setCookieSync(COOKIE, LIVETRAIL); // a person has signed in

const dom = new JSDOM('<!doctype html><div id="root"></div>', {
  url: PAGE,
  cookieJar: cookies,
  pretendToBeVisual: true,
  virtualConsole: new VirtualConsole(),
});

// Not its events: jsdom's own sockets are Node's underneath, and make Node's.
const NAMES = ["window", "document", "location", "localStorage", "HTMLElement", "Node", "Element",
  "FormData", "File", "Blob", "FileReader", "XMLHttpRequest", "WebSocket"];
for (const name of NAMES) {
  const value = name === "window" ? dom.window : dom.window[name];
  if (value !== undefined) globalThis[name] = value;
}
globalThis.self = dom.window;
Object.defineProperty(globalThis, "navigator", { value: dom.window.navigator, configurable: true });
globalThis.addEventListener = dom.window.addEventListener.bind(dom.window);
globalThis.removeEventListener = dom.window.removeEventListener.bind(dom.window);
globalThis.reportError = (error) => tell({ crashed: String(error?.stack ?? error) });

// jsdom has no fetch. This one stands on its XMLHttpRequest, so that CORS and cookies count.
delete globalThis.fetch;
const { fetch, Headers, Request, Response } = await import("whatwg-fetch");
Object.assign(globalThis, { fetch, Headers, Request, Response });

// What the page says on its console is told to the test, which has stdout for itself.
const inWords = (said) =>
  said instanceof Error ? said.message : typeof said === "object" ? JSON.stringify(said) : said;
for (const level of ["log", "info", "warn", "error"]) {
  console[level] = (...said) => tell({ console: level, said: said.map(inWords).join(" ") });
}

/** Make a file as a person would choose one. */
export function chosen({ name, type, base64 }) {
  return new File([Uint8Array.from(Buffer.from(base64, "base64"))], name, { type });
}
