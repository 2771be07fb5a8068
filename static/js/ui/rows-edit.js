/** Says what a row is: its category, its vendor, whether a known one is stored after all. Then
 *  offers a rule for the rows like it, with what that would change; none is made without a click.
 *
 *  createRowsEdit({jobId, api, changed}) -> {open(number)}
 *    changed  (number) => the table shows the row as it is now
 */

import { el } from "../core/dom.js";
import { amountText, plural } from "../../sdk/format.js";
import { tell, toast } from "./shell.js";

const LONGEST = 100;
const WAYS = { "-1": ", money out", 0: "", 1: ", money in" };

export function createRowsEdit({ jobId, api, changed }) {
  const title = el("h2", { id: "edit-title" });
  const body = el("div", { class: "pad stack16" });
  const close = () => dialog.close();
  const cross = el("i", { class: "ic i-x", aria: { hidden: true } });
  const dialog = el(
    "dialog",
    { class: "dialog", aria: { labelledby: "edit-title" } },
    el(
      "header",
      {},
      title,
      el("button", { class: "btn icon quiet", type: "button", aria: { label: "Close" }, on: { click: close } }, cross),
    ),
    body,
  );
  document.body.append(dialog);
  let number = 0;
  dialog.addEventListener("close", () => changed(number).catch(tell));

  async function open(wanted) {
    const [{ rows }, { categories }] = await Promise.all([
      api.rows(jobId, { offset: wanted - 1, limit: 1 }),
      api.get("/categories"),
    ]);
    number = wanted;
    title.textContent = `Row ${number}`;
    body.replaceChildren(...formOf(rows[0], categories));
    dialog.showModal();
  }

  /** A button that works once at a time. */
  function button(label, run, kind = "") {
    const node = el("button", { class: `btn ${kind}`, type: "button" }, label);
    node.addEventListener("click", () => once(node, run));
    return node;
  }

  async function once(node, run) {
    if (node.getAttribute("aria-busy") === "true") return;
    node.setAttribute("aria-busy", "true");
    try {
      await run();
    } catch (problem) {
      close();
      tell(problem);
    } finally {
      node.removeAttribute("aria-busy");
    }
  }

  function formOf(row, categories) {
    const vendor = input("vendor", row.vendor);
    const category = input("category", row.category, "categories");
    const save = el("button", { class: "btn primary" }, "Save");
    const form = el(
      "form",
      { class: "stack16" },
      el("label", { class: "field" }, "Category", category, row.category_reason && el("small", {}, row.category_reason)),
      el("label", { class: "field" }, "Vendor", vendor),
      el("datalist", { id: "categories" }, categories.map(({ name }) => el("option", { value: name }))),
      el("div", { class: "btns" }, save, button("Leave it", close, "quiet")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const said = {};
      for (const [name, field] of Object.entries({ category, vendor })) {
        const value = field.value.trim() || null;
        if (value !== row[name]) said[name] = value;
      }
      if (Object.keys(said).length) once(save, () => correct(said));
      else close();
    });
    const about = [row.date, row.vendor || row.counterparty || row.description, amountText(row.amount)];
    return [el("p", { class: "sub" }, about.filter(Boolean).join(" · ")), form, row.seen_in && knownOf(row)];
  }

  const input = (name, value, list) =>
    el("input", { class: "inp", name, value, list, maxlength: LONGEST, autocomplete: "off" });

  /** What is to become of a row that an earlier file holds. */
  function knownOf({ state }) {
    const [says, does, next] =
      state === "known"
        ? ["An earlier file holds this row, so it was not stored again.", "Store it after all", "new"]
        : ["It is stored, though an earlier file holds it.", "Leave it out again", "known"];
    const decide = async () => {
      await api.post(`/jobs/${jobId}/delta`, { state: next, rows: [number] });
      close();
    };
    return el("div", { class: "btns" }, el("p", { class: "sm dim" }, says), button(does, decide));
  }

  async function correct(said) {
    const { rule } = await api.call("PATCH", `/jobs/${jobId}/rows/${number}`, said);
    if (rule?.rows) return offer(rule);
    close();
    toast(`Row ${number} is changed`);
  }

  async function offer({ rows, files, ...says }) {
    const { examples } = await api.get(`/rules/preview?${new URLSearchParams(says)}`);
    title.textContent = "The others like it, too?";
    const make = async () => {
      const made = await api.post("/rules", { ...says, apply: true });
      close();
      toast(`The rule is made, and ${plural(made.changed, "row")} changed`, {
        action: "Rules",
        run: () => location.assign("/rules"),
      });
    };
    const yes = button("Make this rule", make, "primary");
    body.replaceChildren(
      el("p", {}, `Where the vendor is ${says.value}${WAYS[says.sign]}: ${says.category}.`),
      el("p", { class: "sub" }, `It would change ${plural(rows, "row")} in ${plural(files, "file")}, and decide for later files:`),
      el("div", { class: "tw" }, el("table", {}, el("tbody", {}, examples.map(exampleOf)))),
      el("div", { class: "btns" }, yes, button("Only this row", close)),
    );
    yes.focus();
  }

  return { open };
}

/** @param {{text: string, category: string|null, rows: number}} example */
const exampleOf = ({ text, category, rows }) =>
  el(
    "tr",
    {},
    el("td", { class: "wide" }, text, el("small", {}, category ?? "no category")),
    el("td", { class: "num" }, plural(rows, "row")),
  );
