import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { el, keyedList, parts, setAttr, setText, setVar } from "../../../static/js/core/dom.js";

/** As much of a document as dom.js touches. `writes` counts what a browser would have to do. */
let writes = 0;

class Node {
  attributes = new Map();
  children = [];
  parentNode = null;
  style = {
    values: new Map(),
    getPropertyValue: (name) => this.style.values.get(name) ?? "",
    setProperty: (name, value) => (writes++, this.style.values.set(name, value)),
  };
  #text = "";
  constructor(tag) {
    this.tag = tag;
  }
  get textContent() {
    return this.#text;
  }
  set textContent(text) {
    writes += 1;
    this.#text = text;
  }
  set className(value) {
    this.attributes.set("class", value);
  }
  get firstElementChild() {
    return this.children[0] ?? null;
  }
  get nextElementSibling() {
    const sisters = this.parentNode?.children ?? [];
    return sisters[sisters.indexOf(this) + 1] ?? null;
  }
  get isConnected() {
    return this.parentNode ? this.parentNode.isConnected : this.tag === "ul";
  }
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }
  setAttribute(name, value) {
    writes += 1;
    this.attributes.set(name, value);
  }
  removeAttribute(name) {
    this.attributes.delete(name);
  }
  addEventListener(name, fn) {
    this[`on${name}`] = fn;
  }
  focus() {
    document.activeElement = this;
  }
  contains(other) {
    return this === other || this.children.some((child) => child.contains(other));
  }
  remove() {
    if (this.contains(document.activeElement)) document.activeElement = null;
    if (this.parentNode) this.parentNode.children = this.parentNode.children.filter((one) => one !== this);
    this.parentNode = null;
  }
  append(...more) {
    for (const one of more) this.insertBefore(one, null);
  }
  insertBefore(node, before) {
    if (typeof node === "string") {
      this.textContent = node;
      return;
    }
    if (node.tag === "fragment") {
      for (const child of [...node.children]) this.insertBefore(child, before);
      return;
    }
    writes += 1;
    node.remove();
    const at = before ? this.children.indexOf(before) : this.children.length;
    assert.ok(at >= 0);
    this.children.splice(at, 0, node);
    node.parentNode = this;
  }
  querySelectorAll() {
    return this.children.flatMap((child) => [child, ...child.querySelectorAll()]).filter((one) => one.getAttribute("data-part"));
  }
}

beforeEach(() => {
  writes = 0;
  globalThis.document = {
    activeElement: null,
    createElement: (tag) => new Node(tag),
    createDocumentFragment: () => new Node("fragment"),
  };
});

const keys = (list) => list.children.map((node) => node.getAttribute("data-key"));
const items = (text) => [...text].map((fileId) => ({ fileId }));

test("an element takes attributes, states and children, and leaves out what is not", () => {
  const node = el(
    "button",
    { class: "btn", type: "button", disabled: false, hidden: true, aria: { pressed: false } },
    null,
    [el("b", { data: { part: "name" } })],
  );
  assert.deepEqual(Object.fromEntries(node.attributes), {
    class: "btn",
    type: "button",
    hidden: "",
    "aria-pressed": "false",
  });
  assert.equal(parts(node).name.tag, "b");
});

test("what is the same is not written again", () => {
  const node = el("p");
  for (let round = 0; round < 3; round += 1) {
    setText(node, "55%");
    setAttr(node, "aria-valuenow", 55);
    setVar(node, "--p", "55%");
  }
  assert.equal(writes, 3);
});

test("a list follows its items through every order with the same elements", () => {
  const parent = new Node("ul");
  let made = 0;
  const list = keyedList(parent, { create: () => (made++, el("li")) });
  const orders = ["abc", "bca", "cab", "acb", "b", "abcd", "dcba", "", "bd", "xbyd", "ydxb"];
  const seen = new Map();
  for (const order of orders) {
    list.render(items(order));
    assert.deepEqual(keys(parent), [...order], `to ${order}`);
    for (const key of order) seen.set(key, list.get(key));
  }
  list.render(items("ydxb"));
  for (const key of "ydxb") assert.equal(list.get(key), seen.get(key));
});

test("an item that goes to another place moves alone, and keeps focus", () => {
  const parent = new Node("ul");
  const list = keyedList(parent, { create: () => el("li") });
  list.render(items("abcdefgh"));
  list.get("c").focus();
  writes = 0;
  list.render(items("abdefghc"));
  assert.equal(writes, 1);
  list.render(items("cabdefgh"));
  assert.equal(writes, 2);
  assert.equal(document.activeElement, list.get("c"));
});

test("focus goes with an item from one list to another", () => {
  const lists = [0, 1].map(() => {
    const parent = new Node("ul");
    return keyedList(parent, { create: ({ fileId }) => (made[fileId] ??= el("li")) });
  });
  const made = {};
  lists[0].render(items("ab"));
  made.b.focus();
  lists[0].render(items("a"));
  assert.equal(document.activeElement, null);
  lists[1].render(items("b"));
  assert.equal(document.activeElement, made.b);
});

test("focus goes with an item to a list that is brought up to date first, too", () => {
  const lists = [0, 1].map(() =>
    keyedList(new Node("ul"), { create: ({ fileId }) => (made[fileId] ??= el("li")) }),
  );
  const made = {};
  lists[1].render(items("ab"));
  made.b.focus();
  lists[0].render(items("b"));
  assert.equal(document.activeElement, made.b);
  lists[1].render(items("a"));
  assert.equal(document.activeElement, made.b);
});

test("focus elsewhere stays where it is", () => {
  const list = keyedList(new Node("ul"), { create: () => el("li") });
  const field = el("input");
  list.render(items("ab"));
  list.get("b").focus();
  list.render(items("a"));
  field.focus();
  list.render(items("ab"));
  assert.equal(document.activeElement, field);
});

test("rows that the server rendered are taken over, not made again", () => {
  const parent = new Node("ul");
  const rendered = el("li", { data: { key: "a" } });
  parent.append(rendered);
  const list = keyedList(parent, { create: () => el("li"), update: (node) => setText(node, "live") });
  list.render(items("ab"));
  assert.equal(list.get("a"), rendered);
  assert.deepEqual(parent.children.map((node) => node.textContent), ["live", "live"]);
});
