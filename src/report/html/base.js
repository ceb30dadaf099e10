"use strict";
// What goes wrong is said on the page: a report that shows half of itself must not look whole.
const errors = document.getElementById("errors");
let wrong = 0;
const complain = (what) => {
  wrong += 1;
  errors.dataset.count = String(wrong);
  errors.hidden = false;
  errors.textContent = `${wrong} error${wrong > 1 ? "s" : ""} while showing this report: ${what}`;
};
addEventListener("error", (e) => complain(e.message || "a resource failed"));
addEventListener("unhandledrejection", (e) => complain(String(e.reason)));
document.addEventListener("securitypolicyviolation", (e) => complain(`blocked by policy: ${e.violatedDirective}`));

const SVG = "http://www.w3.org/2000/svg"; // a name, not an address: nothing is loaded
const el = (tag, attrs, ...children) => fill(document.createElement(tag), attrs, children);
const svg = (tag, attrs, ...children) => fill(document.createElementNS(SVG, tag), attrs, children);
// Text only ever becomes a text node.
function fill(node, attrs, children) {
  for (const [k, v] of Object.entries(attrs || {})) if (v !== null && v !== undefined && v !== false) node.setAttribute(k, v === true ? "" : v);
  for (const c of children.flat()) if (c !== null && c !== undefined && c !== "") node.append(c);
  return node;
}
const blocks = (kind) => Array.from(document.querySelectorAll(`script[data-${kind}]`), (s) => JSON.parse(s.textContent));
const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const $ = (id) => document.getElementById(id);

const rows = blocks("row");
const captures = blocks("capture");
const summary = blocks("summary")[0];
const STATES = ["confirmed", "likely", "unexplained"];
const view = { q: "", by: "name", mechanism: "", states: new Set(STATES), open: new Set() };
for (const r of rows) {
  r.file = captures[r.capture].record.file;
  r.text = [`F${r.n}`, r.what, r.name, r.by, r.client, r.server, r.mechanism, r.rules, r.file].join("\n").toLowerCase();
}
