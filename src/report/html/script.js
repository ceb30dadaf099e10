"use strict";
(() => {
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

  // ── Summary ─────────────────────────────────────────────────────────────────────────────────────────────────────────

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

  // ── List ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  const KEYS = { name: (r) => r.name.toLowerCase() || "no name seen", server: (r) => r.server, mechanism: (r) => (r.by ? `${r.mechanism} by ${r.by}` : r.mechanism) };
  const BATCH = 150; // rows put on the page at a time
  const FIRST = 25; // rows of a group before the next group
  let pending = null;

  function wanted() {
    const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
    return rows.filter((r) => view.states.has(r.state) && (!view.mechanism || r.mechanism === view.mechanism) && words.every((w) => r.text.includes(w)));
  }

  function* steps(found) {
    const groups = new Map();
    for (const r of found) {
      const key = KEYS[view.by](r);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(r);
    }
    for (const [key, list] of groups) yield [key, list, groups.size === 1 ? Infinity : Math.max(FIRST, 1 + list.findLastIndex((r) => view.open.has(r.n)))];
  }

  function showList() {
    const found = wanted();
    $("status").textContent = found.length === rows.length ? count(rows.length, "finding") : `${found.length.toLocaleString("en")} of ${count(rows.length, "finding")}`;
    $("list").replaceChildren();
    if (!found.length) {
      $("list").append(el("p", { class: "muted" }, rows.length ? "No finding matches these filters." : ""));
      pending = null;
      return;
    }
    pending = { groups: [...steps(found)], group: 0, row: 0, left: found.length, place: null };
    more(BATCH);
  }

  // Puts up to `most` more rows on the page, and a button for the rest.
  function more(most) {
    $("list").querySelector(":scope > .more")?.remove();
    const p = pending;
    while (p && p.group < p.groups.length && most > 0) {
      const [key, list, limit] = p.groups[p.group];
      if (p.row === 0) {
        p.place = el("div", { class: "rows" });
        const tally = STATES.map((s) => [s, list.filter((r) => r.state === s).length]).filter(([, n]) => n).map(([s, n]) => el("span", { class: `state ${s}` }, `${n.toLocaleString("en")} ${s}`));
        $("list").append(el("section", { class: "group" }, el("header", {}, el("h2", {}, shorten(key, 160)), tally), p.place));
      }
      const end = Math.min(list.length, limit, p.row + most);
      for (; p.row < end; p.row += 1, most -= 1) p.place.append(rowOf(list[p.row]));
      if (p.row >= Math.min(list.length, limit)) {
        if (list.length > p.row) p.place.after(groupRest(p.place, list, p.row));
        p.group += 1;
        p.row = 0;
      }
    }
    if (p && p.group < p.groups.length) {
      const left = p.groups.length - p.group;
      const button = el("button", { type: "button", class: "more" }, left > 1 ? `Show more (${count(left, "group")} left)` : "Show more");
      button.addEventListener("click", () => more(BATCH));
      $("list").append(button);
      near.observe(button);
    }
  }
  const near = new IntersectionObserver((seen) => seen.forEach((s) => {
    if (!s.isIntersecting) return;
    near.unobserve(s.target);
    if (s.target.isConnected) more(BATCH);
  }), { rootMargin: "800px" });

  function groupRest(place, list, from) {
    const button = el("button", { type: "button", class: "more" }, `Show ${(list.length - from).toLocaleString("en")} more of this group`);
    button.addEventListener("click", () => {
      for (const r of list.slice(from, from + 500)) place.append(rowOf(r));
      place.children[from].firstChild.focus();
      if (from + 500 < list.length) button.replaceWith(groupRest(place, list, from + 500));
      else button.remove();
    });
    return button;
  }

  const shorten = (text, most) => (text.length > most ? `${text.slice(0, most)}… (${text.length} characters)` : text);

  function rowOf(r) {
    const name = r.by ? `${r.by} ${shorten(r.name, 120) || "(no name)"}` : "no name seen";
    const button = el("button", { type: "button", class: "row", "aria-expanded": "false", "aria-controls": `detail-${r.n}` },
      el("span", { class: `state ${r.state}` }, r.state), el("span", { class: "n" }, `F${r.n}`), el("span", { class: "what", title: r.what }, r.what),
      el("span", { class: "name" }, name), el("span", { class: "ends" }, `${r.client} → ${r.server}`), el("span", { class: "at", title: "seconds since the start of the capture" }, r.at || ""));
    const detail = el("div", { class: "detail", id: `detail-${r.n}`, hidden: true });
    const box = el("div", { class: "finding", id: `F${r.n}` }, button, detail);
    button.addEventListener("click", () => { toggle(r.n, box, !view.open.has(r.n)); remember(); });
    if (view.open.has(r.n)) queueMicrotask(() => toggle(r.n, box, true));
    return box;
  }

  function toggle(n, box, open) {
    const [button, detail] = box.children;
    button.setAttribute("aria-expanded", String(open));
    box.classList.toggle("open", open);
    detail.hidden = !open;
    if (open) { view.open.add(n); draw(n, detail); } else { view.open.delete(n); detail.replaceChildren(); }
  }

  // ── A finding ───────────────────────────────────────────────────────────────────────────────────────────────────────

  const unpack = ([frame, dt, client, ttl, id, flags, seq, ack, win, len, role, said, gap]) => ({ frame, dt, client: client === 1, ttl, id, flags, seq, ack, win, len, role, said, gap, kind: /^(FORGED|suspect)/.test(role) ? "forged" : /^trigger/.test(role) ? "trigger" : client === 1 ? "c2s" : "s2c" });

  function draw(n, box) {
    const d = JSON.parse(document.querySelector(`script[data-finding="${n}"]`).textContent);
    const r = d.record;
    const flow = d.flow.map(unpack);
    const forged = r.confidence === "unexplained" || /^(drop|stall|throttle)$/.test(r.mechanism) ? "suspect" : "forged";
    const pictures = el("div", { class: "pictures" });
    const said = el("div", {});
    box.replaceChildren(facts(d), pictures, said);
    argument(said, d);
    copies(said, d);
    const width = Math.max(280, Math.round(pictures.clientWidth) || 640);
    pictures.append(el("h3", {}, `Packets (${d.packets.toLocaleString("en")} in the flow)`), ladder(flow, d, r, width), legend(forged));
    const each = width >= 540 ? Math.floor((width - 24) / 2) : width;
    const plots = el("div", { class: "plots" });
    const sequence = sequencePlot(flow, each, r.mechanism === "drop");
    if (sequence) plots.append(el("div", {}, el("h3", {}, `Time and sequence, ${sequence.side}`), sequence.plot));
    const scatter = scatterPlot(flow, sequence ? each : Math.min(width, 520));
    plots.append(el("div", {}, el("h3", {}, scatter.title), scatter.plot));
    pictures.append(plots);
    said.addEventListener("pointerover", (e) => light(box, e.target.closest("[data-frames]")));
    said.addEventListener("focusin", (e) => light(box, e.target.closest("[data-frames]")));
    said.addEventListener("pointerleave", () => light(box, null));
  }

  function light(box, claim) {
    const frames = new Set(claim ? claim.dataset.frames.split(" ") : []);
    for (const g of box.querySelectorAll("[data-frame]")) g.classList.toggle("hit", frames.has(g.dataset.frame));
  }

  function facts(d) {
    const r = d.record;
    const list = el("dl", { class: "facts" });
    const fact = (label, value, mono) => value && list.append(el("div", {}, el("dt", {}, label), el("dd", mono ? { class: "mono" } : {}, value)));
    const t = r.trigger;
    fact("time", r.time.replace("T", " ").replace(/000Z$/, " UTC").replace(/Z$/, " UTC"));
    fact("file", r.file, true);
    fact("ends", `${r.proto} ${end(r.client_ip, r.client_port)} → ${end(r.server_ip, r.server_port)}`, true);
    fact("trigger", t && `frame ${t.frame}, ${t.kind} ${t.value || "without a name"}${t.complete_at_frame !== t.frame ? ` (complete with frame ${t.complete_at_frame})` : ""}`);
    fact("stage", r.stage);
    fact("layer", r.layer);
    fact("position", r.position);
    fact("client felt", r.failure);
    fact("vlan", r.vlan === null ? "" : String(r.vlan));
    fact("tunnel", r.tunnel && "yes");
    fact("community id", r.community_id, true);
    fact("id", r.id, true);
    return list;
  }
  const end = (ip, port) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);

  function argument(box, d) {
    const r = d.record;
    const rank = (c) => "ABC".indexOf(c.class);
    const part = (title, kind, list) => {
      if (!list.length) return;
      box.append(el("h3", {}, title), el("ul", { class: `claims ${kind}` }, list.sort((a, b) => rank(a) - rank(b)).map(claim)));
    };
    part("For", "for", r.evidence.filter((c) => !c.void && c.stance === "for"));
    const against = r.evidence.filter((c) => !c.void && c.stance === "against");
    part("Against", "against", against);
    part("Voided, counting nothing", "void", r.evidence.filter((c) => c.void));
    if (!against.length) box.append(el("h3", {}, "Against"), el("p", { class: "muted" }, "No claim stands against it."));
    if (d.tested.length) box.append(el("p", { class: "muted" }, `Tested and not the case: ${d.tested.join(", ")}`));
    if (r.void_rules.length) box.append(el("p", { class: "muted" }, `Not used in this capture: ${r.void_rules.join(", ")}`));
    if (r.control) box.append(el("h3", {}, "Control"), el("p", {}, `frame ${r.control.frame} `, el("b", {}, r.control.value || "a request without a name"), ` on the same server: ${r.control.outcome}`));
    if (d.injector.length) box.append(el("h3", {}, "Injector"), ...d.injector.map((line) => el("p", {}, line)));
  }

  function claim(c) {
    const some = c.frames.slice(0, 8).join(", ") + (c.frames.length > 8 ? ", …" : "");
    return el("li", { "data-frames": c.frames.join(" "), tabindex: c.frames.length ? "0" : null }, el("code", {}, c.rule), el("span", { class: "class", title: "strength: A settles it alone, B needs one more of another kind, C supports" }, c.class),
      el("div", {}, c.text, c.frames.length ? el("span", { class: "frames" }, ` (frame${c.frames.length > 1 ? "s" : ""} ${some})`) : "", c.void ? `; voided by ${c.void}` : ""));
  }

  function copies(box, d) {
    box.append(el("h3", {}, "Filters"));
    for (const [label, text] of [["Wireshark", d.record.wireshark], ["tcpdump", d.tcpdump], ["nftables", d.nftables]]) {
      if (!text) continue;
      const code = el("code", {}, text);
      const button = el("button", { type: "button", "aria-label": `Copy the ${label} filter` }, "Copy");
      button.addEventListener("click", () => copy(text, code, button));
      box.append(el("div", { class: "copy" }, el("span", {}, label), code, button));
    }
    if (d.forged && !d.tcpdump) box.append(el("p", { class: "muted" }, "No capture filter tells these packets from the server's own."));
  }

  async function copy(text, code, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Not every browser lets a file write to the clipboard: the text is selected all the same.
      getSelection().selectAllChildren(code);
      if (!document.execCommand("copy")) { button.textContent = "Selected"; return; }
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  const legend = (forged) => el("p", { class: "legend" }, [["✕", "mark-forged", forged], ["▲", "mark-trigger", "trigger"], ["●", "mark-s2c", "from the server"], ["○", "mark-c2s", "from the client"]].flatMap(([mark, kind, text]) => [el("span", {}, el("i", { class: kind }, mark), text), " "]));

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

  // ── Links, keys ─────────────────────────────────────────────────────────────────────────────────────────────────────

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
      while ((rest = document.querySelector(".group > .more"))) rest.click();
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
})();
