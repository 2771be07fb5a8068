/** Making and changing elements. Text goes in by textContent alone; nothing is parsed as HTML.
 *
 *  el(tag, props?, ...children) -> element   props: class, data: {}, aria: {}, vars: {"--p": "4%"},
 *                                            on: {click: fn}, and any attribute; true is bare,
 *                                            false, null and undefined leave it out
 *  setText(node, text)  setAttr(node, name, value)  setVar(node, "--p", value)
 *                                            write only what is another; a part that this page
 *                                            does not have is left alone
 *  setHidden(node, hidden, instead?)         focus that was inside goes on at `instead`
 *  parts(root) -> {name: element}            every [data-part] inside root, remembered by name
 *  keyedList(parent, {create, update, keyOf?}) -> {render(items), get(key)}
 *                                            one element per key, kept and moved, never made again
 *  adoptVars(root)                           data-vars="--p: 40%; --w: 8" -> style, since CSP forbids style=""
 */

/** @param {string} tag  @param {Record<string, any>} [props]  @param {...any} children */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    const each = (run) => Object.entries(value).forEach(([key, one]) => run(key, one));
    if (name === "data" || name === "aria") each((key, one) => setAttr(node, `${name}-${key}`, one));
    else if (name === "vars") each((key, one) => setVar(node, key, one));
    else if (name === "on") each((key, fn) => node.addEventListener(key, fn));
    else setAttr(node, name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** @param {Element|undefined} node  @param {string|number|null|undefined} text */
export function setText(node, text) {
  const next = String(text ?? "");
  if (node && node.textContent !== next) node.textContent = next;
}

/** ARIA attributes say "true" and "false" in words.
 *  @param {Element|undefined} node  @param {string} name  @param {any} value  see `el` */
export function setAttr(node, name, value) {
  const bare = typeof value === "boolean" && !name.startsWith("aria-");
  const next = bare ? (value ? "" : null) : value;
  if (!node) return;
  if (next === null || next === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(next)) node.setAttribute(name, String(next));
}

/** @param {HTMLElement|SVGElement} node  @param {string} name  @param {string|number} value */
export function setVar(node, name, value) {
  const next = String(value);
  if (node.style.getPropertyValue(name) !== next) node.style.setProperty(name, next);
}

/** Show or hide. Focus that was inside goes on at `instead`, not at the top of the page.
 *  @param {HTMLElement|undefined} node  @param {boolean} hidden  @param {HTMLElement|null} [instead] */
export function setHidden(node, hidden, instead = document.getElementById("main")) {
  if (!node) return;
  if (hidden && node.contains(document.activeElement)) instead?.focus({ preventScroll: true });
  node.hidden = hidden;
}

/** @param {Element} root  @returns {Record<string, HTMLElement>} */
export function parts(root) {
  const found = {};
  for (const node of root.querySelectorAll("[data-part]")) {
    found[node.getAttribute("data-part")] ??= node;
  }
  return found;
}

/** @param {ParentNode} root */
export function adoptVars(root) {
  for (const node of root.querySelectorAll("[data-vars]")) {
    for (const pair of node.getAttribute("data-vars").split(";")) {
      const at = pair.indexOf(":");
      if (at > 0) setVar(node, pair.slice(0, at).trim(), pair.slice(at + 1).trim());
    }
  }
}

/** Had focus when it left its list. @type {HTMLElement|null} */
let orphan = null;

/** Keeps `parent`'s children equal to a list of items, moving rather than making.
 *  Children rendered by the server are taken over when they carry data-key.
 *  @template T
 *  @param {Element} parent
 *  @param {{create: (item: T) => Element, update?: (node: Element, item: T) => void,
 *    keyOf?: (item: T) => string}} how */
export function keyedList(parent, { create, update, keyOf = (item) => item.fileId }) {
  /** @type {Map<string, Element>} */
  const nodes = new Map();
  for (const child of parent.children) {
    const key = child.getAttribute("data-key");
    if (key) nodes.set(key, child);
  }
  return {
    /** @param {string} key */
    get: (key) => nodes.get(key),
    /** @param {T[]} items  in the order wanted */
    render(items) {
      const wanted = new Set(items.map(keyOf));
      const focused = document.activeElement === document.body ? null : document.activeElement;
      if (focused) orphan = null;
      for (const [key, node] of nodes) {
        if (wanted.has(key)) continue;
        if (node.parentNode === parent) node.remove();
        nodes.delete(key);
      }
      let place = parent.firstElementChild;
      let fresh = null;
      const flush = () => {
        if (fresh) parent.insertBefore(fresh, place);
        fresh = null;
      };
      for (const item of items) {
        const key = keyOf(item);
        let node = nodes.get(key);
        if (!node) {
          node = create(item);
          node.setAttribute("data-key", key);
          nodes.set(key, node);
          fresh ??= document.createDocumentFragment();
          fresh.append(node);
        } else {
          flush();
          if (node === place) {
            place = place.nextElementSibling;
          } else if (node === place?.nextElementSibling) {
            // one left its place: move that one, not all that follow it
            const left = place;
            place = node.nextElementSibling;
            parent.append(left);
            place ??= left;
          } else {
            parent.insertBefore(node, place);
          }
        }
        update?.(node, item);
      }
      flush();
      // an element that is moved, out of another list perhaps, loses focus; it may come back in one
      if (focused && focused !== document.activeElement) orphan = focused;
      if (orphan?.isConnected) {
        orphan.focus({ preventScroll: true });
        orphan = null;
      }
    },
  };
}
