// The findings in groups, put on the page in parts.

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
