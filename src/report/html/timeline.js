// How names, servers and mechanisms went over time: a strip each, on one axis.

const STRIPS = 8; // before the button for more
const clock = (iso, dated) => (dated ? `${iso.slice(0, 10)} ${iso.slice(11, 19)}` : iso.slice(11, 19));
const STATE_WORDS = { partly: "partly blocked", few: "too few to tell" };
const stateWord = (s) => STATE_WORDS[s] || s;

function showTimeline() {
  const box = $("timeline");
  box.replaceChildren();
  const t = summary && summary.record.timeline;
  const list = t ? t.rows.filter((r) => r.kind === view.by) : [];
  box.hidden = !list.length;
  if (!list.length) return;
  const dated = t.first.slice(0, 10) !== t.last.slice(0, 10);
  const body = el("ul", { class: "strips" });
  const more = el("button", { type: "button", class: "more" });
  let shown = 0;
  const grow = () => {
    const next = list.slice(shown, shown + (shown ? 100 : STRIPS));
    for (const r of next) body.append(stripRow(r, t, dated));
    shown += next.length;
    more.hidden = shown >= list.length;
    more.textContent = `Show more (${(list.length - shown).toLocaleString("en")} left)`;
  };
  more.addEventListener("click", grow);
  grow();
  const key = (cls, text) => el("span", {}, el("i", { class: `cell ${cls}` }), text);
  box.append(
    // Of a few attempts the findings say as much.
    el("details", { open: list.some((r) => r.interfered + r.fine >= t.least) }, el("summary", {}, `Timeline by ${view.by}, ${clock(t.first, true)} to ${clock(t.last, dated)} UTC`),
      body, more,
      el("p", { class: "legend" }, key("hit", "interfered with"), key("fine", "fine"), key("failed", "failed otherwise"), key("unjudged", "not judged")),
      el("p", { class: "legend" }, `A change is claimed where both sides have ${t.least} trials and differ by Fisher's exact test at ${t.level * 100} % over all places it could lie.`,
        t.rows_left_out ? ` ${count(t.rows_left_out, "row")} left out.` : "", t.left_out ? ` ${count(t.left_out, "attempt")} not counted for want of room.` : "")));
}

function stripRow(r, t, dated) {
  const judged = r.interfered + r.fine;
  const counts = [`${r.interfered.toLocaleString("en")} of ${judged.toLocaleString("en")} interfered with`, r.failed && `${r.failed.toLocaleString("en")} failed`, r.unjudged && `${r.unjudged.toLocaleString("en")} not judged`, r.partial && "others not counted for want of room"].filter(Boolean).join(", ");
  const said = r.states.length > 1 ? changes(r.states, dated) : r.states[0].state === "few" ? [] : [stateWord(r.states[0].state)];
  return el("li", {}, el("div", { class: "key" }, el("b", {}, shorten(r.key, 120)), r.service ? ` ${r.service}` : ""),
    strip(r, t, dated, `${r.key}${r.service ? ` ${r.service}` : ""}: ${[counts, ...said].join("; ")}`), el("div", { class: "counts" }, counts, said.map((s) => el("div", {}, s))));
}

function changes(states, dated) {
  return states.map((s, i) => {
    const again = states.slice(0, i).some((b) => b.state === s.state) ? " again" : "";
    return `${stateWord(s.state)}${again} (${s.interfered.toLocaleString("en")} of ${(s.interfered + s.fine).toLocaleString("en")}) ${i ? `from ${clock(s.first, dated)}` : `until ${clock(s.last, dated)}`}`;
  });
}

// A cell a column: interfered with from below, fine above it; what failed or was not judged only where nothing else was.
function strip(r, t, dated, label) {
  const W = 480, H = 22, w = W / t.columns;
  const from = Date.parse(t.first), whole = Date.parse(t.last) - from || 1;
  const at = (iso) => ((Date.parse(iso) - from) / whole) * W;
  const g = svg("svg", { viewBox: `0 0 ${W} ${H + 3}`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  g.append(svg("rect", { class: "bed", x: 0, y: 0, width: W, height: H }));
  for (const [column, hit, fine, failed, unjudged] of r.strip) {
    const x = column * w, cell = (cls, y, height) => svg("rect", { class: `cell ${cls}`, x, y, width: w - Math.min(1, w / 8), height });
    const when = new Date(from + (column / t.columns) * whole).toISOString();
    const part = svg("g", {}, svg("title", {}, `from ${clock(when, dated)}: ${hit} interfered with, ${fine} fine, ${failed} failed, ${unjudged} not judged`));
    const height = hit + fine ? (hit / (hit + fine)) * H : 0;
    if (fine) part.append(cell("fine", 0, H - height));
    if (hit) part.append(cell("hit", H - height, height));
    if (!hit && !fine) part.append(failed ? cell("failed", H / 4, H / 2) : cell("unjudged", H - 4, 4));
    g.append(part);
  }
  for (const s of r.states.slice(1)) g.append(svg("line", { class: "change", x1: at(s.first), x2: at(s.first), y1: -2, y2: H + 3 }));
  return g;
}
