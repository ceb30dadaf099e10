// Links, keys, and the start of it all.

// `#F3` opens a finding, `#q=name&by=server&mechanism=drop&state=likely,confirmed` filters; both go together.
function recall(hash = location.hash) {
  Object.assign(view, { q: "", by: "name", mechanism: "", states: new Set(STATES), open: new Set() });
  let target = null;
  for (const part of hash.slice(1).split("&")) {
    const finding = /^F(\d+)$/i.exec(part);
    const [key, raw] = part.split("=");
    let value = raw || "";
    try { value = decodeURIComponent(value.replaceAll("+", " ")); } catch { /* a lone percent sign is itself */ }
    if (finding) { target = Number(finding[1]); view.open.add(target); }
    else if (key === "q") view.q = value;
    else if (key === "by" && Object.hasOwn(KEYS, value)) view.by = value;
    else if (key === "mechanism" && rows.some((r) => r.mechanism === value)) view.mechanism = value;
    else if (key === "state") view.states = new Set(value.split(",").filter((s) => STATES.includes(s)));
  }
  $("q").value = view.q;
  $("by").value = view.by;
  $("mechanism").value = view.mechanism;
  for (const box of $("states").querySelectorAll("input")) box.checked = view.states.has(box.value);
  showTimeline();
  showList();
  if (target !== null) reveal(target);
}

function reveal(n) {
  // Long lists are put up in parts: up to the one that is asked for.
  while (!$(`F${n}`) && pending && pending.group < pending.groups.length) more(BATCH);
  const box = $(`F${n}`);
  if (!box) return;
  if (!box.classList.contains("open")) toggle(n, box, true);
  box.scrollIntoView({ block: "start" });
  box.firstChild.focus({ preventScroll: true });
}

function link(hash) {
  try { history.replaceState(null, "", hash); } catch { /* a link less; nothing else depends on it */ }
}

function remember() {
  const parts = [...view.open].slice(-1).map((n) => `F${n}`);
  if (view.q) parts.push(`q=${encodeURIComponent(view.q)}`);
  if (view.by !== "name") parts.push(`by=${view.by}`);
  if (view.mechanism) parts.push(`mechanism=${view.mechanism}`);
  if (view.states.size < STATES.length) parts.push(`state=${[...view.states].join(",")}`);
  link(`#${parts.join("&")}`);
}

function changed() {
  view.q = $("q").value.trim();
  view.by = $("by").value;
  view.mechanism = $("mechanism").value;
  view.states = new Set(Array.from($("states").querySelectorAll("input:checked"), (b) => b.value));
  remember();
  showTimeline();
  showList();
}

function keys(e) {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = e.target.matches("input, select");
  if (e.key === "/" && !typing) { e.preventDefault(); $("q").focus(); return; }
  if (e.key === "Escape" && !typing) { $("q").focus(); return; }
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[e.key];
  if (!step || !(e.target.matches(".row") || (e.target.id === "q" && e.key === "ArrowDown"))) return;
  const all = [...document.querySelectorAll(".row")];
  const next = all[all.indexOf(e.target) + step];
  if (next) { e.preventDefault(); next.focus(); }
}

function start() {
  showSummary();
  if (!rows.length) return;
  $("bar").hidden = false;
  for (const m of [...new Set(rows.map((r) => r.mechanism))].sort()) $("mechanism").append(el("option", { value: m }, m));
  for (const s of STATES.filter((s) => rows.some((r) => r.state === s))) $("states").append(el("label", {}, el("input", { type: "checkbox", value: s, checked: true }), s));
  $("bar").addEventListener("submit", (e) => e.preventDefault());
  $("bar").addEventListener("change", changed);
  let wait = 0;
  $("q").addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(changed, 80); });
  $("reset").addEventListener("click", () => { link("#"); recall("#"); $("q").focus(); });
  addEventListener("hashchange", () => {
    // The way past the filters is no filter.
    if (location.hash !== "#list") recall();
  });
  addEventListener("keydown", keys);
  // Paper has no button: everything that matches is printed, and of the opened ones the whole argument.
  addEventListener("beforeprint", () => {
    more(Infinity);
    let rest;
    while ((rest = document.querySelector(".group > .more, #timeline .more:not([hidden])"))) rest.click();
  });
  let drawn = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === drawn) return;
    drawn = innerWidth;
    for (const box of document.querySelectorAll(".finding.open")) draw(Number(box.id.slice(1)), box.children[1]);
  });
  recall();
}
start();
