// One finding, drawn when it is opened.

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
  fact("trigger", t && `frame ${t.frame}, ${t.kind} ${t.value || (t.value === null ? "cut off by the snap length" : "without a name")}${t.complete_at_frame !== t.frame ? ` (complete with frame ${t.complete_at_frame})` : ""}`);
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
