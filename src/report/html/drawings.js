// The ladder and the plots of a flow.

const ms = (v) => {
  const a = Math.abs(v), s = v < 0 ? "−" : "";
  return a === 0 ? "0" : a < 1 ? `${s}${+a.toPrecision(2)} ms` : a < 1000 ? `${s}${+a.toPrecision(3)} ms` : `${s}${+(a / 1000).toPrecision(3)} s`;
};
const hex = (id) => id.toString(16).padStart(4, "0");

function ladder(flow, d, r, width) {
  const wide = width >= 560;
  const digits = 6.7 * Math.max(5, ...flow.map((p) => String(p.frame).length)), margin = wide ? 6 : 0;
  const left = digits + margin + (wide ? 84 : 78), right = wide ? 210 : 34;
  const x1 = left, x2 = width - right, step = 30;
  const g = svg("g");
  let y = 30;
  const text = (x, at, s, attrs) => svg("text", { x, y: at, ...attrs }, s);
  const gap = (n) => { g.append(text((x1 + x2) / 2, y + 14, `${n.toLocaleString("en")} packets not drawn`, { class: "dim", "text-anchor": "middle" })); y += 22; };
  flow.forEach((p) => {
    if (p.gap) gap(p.gap);
    const line = y + 18;
    const tags = p.flags === null ? (p.len ? `len ${p.len}` : p.said ? "ICMP" : "len 0") : `[${p.flags}] ${p.seq ?? "?"}${p.len ? `+${p.len}` : ""}${p.ack === null ? "" : ` ack ${p.ack}`}`;
    const full = wide || !p.role ? tags : `${p.role.split(",")[0]} ${tags}`;
    const most = Math.floor((x2 - x1 - 10) / 6.7);
    const label = full.length > most ? `${full.slice(0, most - 1)}…` : full;
    const from = p.client ? x1 : x2, to = p.client ? x2 : x1, tip = p.client ? -7 : 7;
    const mark = p.kind === "forged" || p.kind === "trigger" ? p.kind : "";
    const rung = svg("g", { class: `rung ${p.kind}`, "data-frame": p.frame },
      svg("title", {}, `frame ${p.frame}, ${ms(p.dt)}, TTL ${p.ttl}${p.id === null ? "" : `, id 0x${hex(p.id)}`}${p.win === null ? "" : `, window ${p.win}`}: ${tags}${p.said ? ` ${p.said}` : ""}${p.role ? ` (${p.role})` : ""}`),
      svg("rect", { class: "band", x: 0, y: y + 1, width, height: step - 2 }),
      text(digits + margin, line + 3, String(p.frame), { class: "dim", "text-anchor": "end" }),
      text(left - 10, line + 3, ms(p.dt), { class: "dim", "text-anchor": "end" }),
      svg("line", { x1: from, y1: line, x2: to, y2: line }),
      svg("path", { d: `M${to} ${line}l${tip} -3.5v7z` }),
      text((x1 + x2) / 2, line - 5, label, { class: mark, "text-anchor": "middle" }),
      text(x2 + (wide ? 34 : 32), line + 3, String(p.ttl), { class: mark || "dim", "text-anchor": "end" }));
    if (wide) {
      rung.append(text(x2 + 72, line + 3, p.id === null ? "" : hex(p.id), { class: "dim", "text-anchor": "end" }),
        text(x2 + 116, line + 3, p.win === null ? "" : String(p.win), { class: "dim", "text-anchor": "end" }), text(x2 + 126, line + 3, p.role.length > 13 ? p.role.split(",")[0] : p.role, { class: mark || "dim" }));
      if (p.role.length > 13) rung.append(text(x2 + 126, line + 14, p.role.split(", ")[1], { class: "dim" }));
    }
    if (p.said) {
      // What a message says is longer than its arrow.
      const start = wide ? x1 + 8 : 4, room = Math.floor((width - start - 4) / 6.7);
      rung.append(text(start, line + 16, p.said.length > room ? `${p.said.slice(0, room - 1)}…` : p.said, { class: "dim" }));
      y += 14;
    }
    g.append(rung);
    y += step;
  });
  if (d.left_out_last) gap(d.left_out_last);
  const heads = [[digits + margin, "frame", "end"], [left - 10, "time", "end"], [x1, "client", "start"], [x2, "server", "end"], [x2 + (wide ? 34 : 32), "ttl", "end"]];
  if (wide) heads.push([x2 + 72, "id", "end"], [x2 + 116, "win", "end"]);
  const top = heads.map(([x, s, anchor]) => text(x, 14, s, { class: "dim", "text-anchor": anchor }));
  return svg("svg", { viewBox: `0 0 ${width} ${y + 8}`, role: "img", "aria-label": `Ladder of ${flow.length} packets between ${r.client_ip} and ${r.server_ip}` },
    svg("line", { class: "life", x1, y1: 20, x2: x1, y2: y + 4 }), svg("line", { class: "life", x1: x2, y1: 20, x2, y2: y + 4 }), top, g);
}

// A scale from values to pixels; times around an injection span five decades, which takes a logarithm away from zero.
function scale(values, from, to, logarithm, units = [1, 2, 5, 10], base = 10) {
  let low = Math.min(...values), high = Math.max(...values);
  if (low === high) { low -= 1; high += 1; }
  const sizes = values.map(Math.abs).filter((v) => v > 0).sort((a, b) => a - b);
  const small = sizes.length ? sizes[Math.floor(sizes.length / 4)] : 1;
  const bend = logarithm && sizes.length && sizes[sizes.length - 1] / small > 40;
  const f = bend ? (v) => Math.asinh(v / small) : (v) => v;
  const pad = bend ? (f(high) - f(low)) * 0.03 : (high - low) * 0.04;
  const a = f(low) - pad, b = f(high) + pad;
  const at = (v) => from + ((Math.min(Math.max(f(v), a), b) - a) / (b - a)) * (to - from);
  let ticks = [];
  if (bend) {
    for (let e = -3; e < 9; e += 1) for (const s of [1, -1]) ticks.push(s * 10 ** e);
    ticks = [0, ...ticks].filter((t) => t >= low && t <= high).sort((p, q) => Math.abs(q) - Math.abs(p));
    if (ticks.includes(0)) ticks = [0, ...ticks.filter((t) => t !== 0)];
  } else {
    const raw = (high - low) / Math.max(2, Math.abs(to - from) / (to > from ? 70 : 36)), whole = base ** Math.floor(Math.log(raw) / Math.log(base));
    const unit = units.map((m) => m * whole).find((u) => u >= raw) ?? base * whole;
    for (let t = Math.ceil(low / unit) * unit; t <= high; t += unit) ticks.push(+t.toPrecision(12));
  }
  return { at, ticks, low, high };
}

function frame(w, h, x, y, xText, yText) {
  const left = 52, bottom = h - 22;
  const out = [svg("path", { class: "axis", d: `M${left} 8V${bottom}H${w - 6}` })];
  const kept = [];
  for (const t of x.ticks) {
    const at = x.at(t);
    if (kept.some((k) => Math.abs(k - at) < 54) || at > w - 12) continue;
    kept.push(at);
    out.push(svg("line", { class: "grid", x1: at, y1: 8, x2: at, y2: bottom }), svg("text", { x: at, y: h - 8, class: "dim", "text-anchor": "middle" }, xText(t)));
  }
  const held = [];
  for (const t of y.ticks.filter(Number.isInteger)) {
    const at = y.at(t);
    if (held.some((k) => Math.abs(k - at) < 14)) continue;
    held.push(at);
    out.push(svg("line", { class: "grid", x1: left, y1: at, x2: w - 6, y2: at }), svg("text", { x: left - 5, y: at + 4, class: "dim", "text-anchor": "end" }, yText(t)));
  }
  return out;
}

function mark(p, x, y) {
  const title = svg("title", {}, `frame ${p.frame}, ${ms(p.dt)}, TTL ${p.ttl}${p.id === null ? "" : `, id 0x${hex(p.id)}`}${p.role ? `, ${p.role}` : ""}`);
  const shape = p.kind === "forged" ? svg("path", { class: "forged x", d: `M${x - 4.5} ${y - 4.5}l9 9m0 -9l-9 9` })
    : p.kind === "trigger" ? svg("path", { class: "trigger", d: `M${x} ${y - 5}l5 9h-10z` })
    : svg("circle", { class: `${p.kind}${p.client ? " hollow" : ""}`, cx: x, cy: y, r: 3.2 });
  return svg("g", { "data-frame": p.frame }, title, shape);
}
// Forged packets lie on top.
const layered = (list) => [...list].sort((a, b) => (a.kind === "forged") - (b.kind === "forged"));

// In the direction of the forged packets; of a drop, in that of what was lost.
function sequencePlot(flow, w, lost) {
  const tcp = flow.filter((p) => p.seq !== null);
  if (tcp.length < 2) return null;
  const first = tcp.find((p) => p.kind === "forged");
  const client = first ? first.client : lost;
  const own = tcp.filter((p) => p.client === client), acks = tcp.filter((p) => p.client !== client && p.ack !== null && p.kind !== "forged");
  const honest = own.filter((p) => p.kind !== "forged");
  const values = [...honest.flatMap((p) => [p.seq, p.seq + p.len]), ...acks.map((p) => p.ack)];
  // An injector's number may lie gigabytes away: the stream keeps the scale, and what is off it says so at the edge.
  const span = Math.max(...values) - Math.min(...values) || 1000;
  const close = own.filter((p) => p.kind === "forged" && values.length && p.seq >= Math.min(...values) - span && p.seq <= Math.max(...values) + span);
  const h = 190;
  const x = scale(tcp.map((p) => p.dt), 52, w - 8, true);
  const y = scale(values.length ? [...values, ...close.flatMap((p) => [p.seq, p.seq + p.len])] : own.map((p) => p.seq), h - 22, 8, false);
  const parts = frame(w, h, x, y, ms, (v) => v.toLocaleString("en"));
  if (acks.length > 1) {
    let path = "";
    acks.forEach((p, i) => { path += i ? `H${x.at(p.dt)}V${y.at(p.ack)}` : `M${x.at(p.dt)} ${y.at(p.ack)}`; });
    parts.push(svg("path", { class: `${client ? "s2c" : "c2s"} hollow`, d: path, "stroke-dasharray": "2 2" }, svg("title", {}, "acknowledged by the other side")));
  }
  for (const p of layered(own)) {
    if (p.len) parts.push(svg("line", { class: p.kind, x1: x.at(p.dt), y1: y.at(p.seq), x2: x.at(p.dt), y2: y.at(p.seq + p.len), "stroke-width": 2 }));
    parts.push(mark(p, x.at(p.dt), y.at(p.seq)));
    if (p.seq < y.low || p.seq > y.high) parts.push(svg("text", { x: Math.min(x.at(p.dt) + 8, w - 90), y: y.at(p.seq) + (p.seq > y.high ? 10 : -2), class: "forged" }, `off scale: ${p.seq.toLocaleString("en")}`));
  }
  return { side: client ? "client to server" : "server to client", plot: svg("svg", { viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": "Sequence numbers over time; dashed: acknowledged" }, parts) };
}

function scatterPlot(flow, w) {
  const numbered = flow.filter((p) => p.id !== null);
  const ids = numbered.length > 1 && new Set(numbered.map((p) => p.id)).size > 1;
  const list = ids ? numbered : flow;
  const h = 190;
  const x = ids ? scale(list.map((p) => p.id), 52, w - 8, false, [1, 2, 4, 8, 16], 16) : scale(list.map((p) => p.dt), 52, w - 8, true);
  const ttls = list.map((p) => p.ttl);
  const y = scale([...ttls, Math.max(0, Math.min(...ttls) - 4), Math.min(255, Math.max(...ttls) + 4)], h - 22, 8, false);
  const parts = frame(w, h, x, y, ids ? (v) => `0x${hex(Math.max(0, v))}` : ms, String);
  for (const p of layered(list)) parts.push(mark(p, x.at(ids ? p.id : p.dt), y.at(p.ttl)));
  return { title: ids ? "TTL and IP identification" : "TTL and time", plot: svg("svg", { viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": "TTL of the flow's packets, forged ones marked" }, parts) };
}
