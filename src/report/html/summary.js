// What was read, judged and left unjudged.

function showSummary() {
  if (!summary) {
    $("verdict").textContent = "This report is cut short: its end is missing.";
    return;
  }
  const r = summary.record;
  const tally = STATES.map((s) => [s, rows.filter((x) => x.state === s).length]).filter(([, n]) => n).map(([s, n]) => `${n.toLocaleString("en")} ${s}`);
  $("verdict").textContent = rows.length ? `${count(rows.length, "finding")} in ${count(r.flows_judged, "judged flow")}: ${tally.join(", ")}` : sentence(summary.nothing);
  document.title = `${rows.length ? count(rows.length, "finding") : "Nothing found"} · interloper`;
  const box = $("summary");
  if (rows.length) box.append(el("p", {}, sentence(summary.found)));
  const figure = (n, what) => el("li", {}, el("b", {}, n.toLocaleString("en")), ` ${what}`);
  box.append(el("ul", { class: "figures" },
    figure(r.captures, r.captures === 1 ? "capture" : "captures"), figure(r.packets, "packets"), el("li", {}, el("b", {}, summary.octets)),
    figure(r.flows, "flows"), figure(r.flows_judged, "judged"), summary.unjudged.map(([n, why]) => figure(n, `not judged: ${why}`))));
  const note = (text) => box.append(el("p", {}, text));
  if (!r.complete) note(`Not everything was read: ${[r.captures_incomplete && `${count(r.captures_incomplete, "capture")} damaged, truncated or stopped early`, r.unread_count && `${count(r.unread_count, "input")} unreadable`, r.interrupted && "the run was interrupted"].filter(Boolean).join(", ")}.`);
  if (summary.below) note(`Below the threshold and not listed: ${summary.below}.`);
  for (const s of r.suppressed.slice(0, 50)) note(`${s.server}: ${s.count} more unexplained ones of ${s.mechanism}, counted only.`);
  if (r.unread_count) box.append(el("details", {}, el("summary", {}, `Inputs that could not be read (${r.unread_count})`), el("ul", {}, r.unread.map((u) => el("li", {}, el("code", {}, u.file), ` ${u.reason}`)))));
  if (captures.length) box.append(captureTable());
  $("foot").append(el("p", { class: "keys" }, el("kbd", {}, "/"), " search, ", el("kbd", {}, "↑"), " ", el("kbd", {}, "↓"), " between findings, ", el("kbd", {}, "Enter"), " open or close, ", el("kbd", {}, "Esc"), " back to the search. Links keep filters and the open finding."),
    el("p", {}, `interloper ${r.versions.tool}, rules ${r.versions.rules}, fingerprints ${r.versions.fingerprints}, records ${r.schema}`));
}
const sentence = (s) => s.charAt(0).toUpperCase() + s.slice(1);

function captureTable() {
  const body = el("tbody");
  const more = el("button", { type: "button", class: "more" });
  let shown = 0;
  const grow = () => {
    for (const c of captures.slice(shown, shown + 100)) body.append(captureRow(c));
    shown = Math.min(captures.length, shown + 100);
    more.hidden = shown === captures.length;
    more.textContent = `Show more captures (${captures.length - shown} left)`;
  };
  more.addEventListener("click", grow);
  grow();
  const head = el("thead", {}, el("tr", {}, ["Capture", "Findings", "What was judged, what was not and why"].map((t) => el("th", { scope: "col" }, t))));
  return el("details", { open: captures.length === 1 }, el("summary", {}, captures.length === 1 ? "The capture, and what it cannot show" : `The ${captures.length} captures, and what each cannot show`), el("table", { class: "captures" }, head, body), more);
}

function captureRow(c) {
  const said = [`${count(c.judged, "flow")} judged`, ...c.unjudged.map(([n, why]) => `${n.toLocaleString("en")} ${why}`)];
  const notes = [...c.notes.filter((n) => !n.startsWith("judged ")), c.below && `below the threshold: ${c.below}`].filter(Boolean);
  const cell = el("td", {}, el("div", {}, said.join("; ")), notes.length ? el("ul", {}, notes.map((n) => el("li", {}, n))) : "");
  if (c.ruled_out_count) {
    const list = el("ul", {}, c.ruled_out.map(([frame, what, ends, rule, text]) => el("li", {}, `frame ${frame}, ${what}, ${ends}: `, el("code", {}, rule), ` ${text}`)));
    cell.append(el("details", {}, el("summary", {}, `${count(c.ruled_out_count, "suspect")} ruled out`), list));
  }
  return el("tr", {}, el("td", {}, el("code", {}, c.record.file), el("div", { class: "muted" }, c.facts.join(", "))), el("td", {}, String(c.found)), cell);
}
