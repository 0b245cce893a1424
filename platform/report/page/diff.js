// Diffs are made of rows when they are looked at, some hundred at a time.
const context = 3; // lines that stay, shown beside those that don't
const chunk = 400; // rows made at once

// blocks reads rows into runs that stay, and runs that go and come.
function blocks(rows) {
  const out = [];
  let was = 0, now = 0;
  for (const row of rows) {
    const becomes = row % 3, line = lines[(row - becomes) / 3];
    let last = out[out.length - 1];
    if (!last || last.same !== (becomes === 0)) out.push(last = { same: becomes === 0, was, now, gone: [], come: [] });
    if (becomes !== 2) { last.gone.push(line); was++; }
    if (becomes !== 1) { last.come.push(line); now++; }
  }
  return out;
}

// rowsOf lays blocks out; of long runs that stay only the ends are shown.
function rowsOf(list, split) {
  const out = [];
  const stay = (b, from, to) => {
    for (let i = from; i < to; i++) out.push({ sign: " ", was: b.was + i + 1, now: b.now + i + 1, text: b.gone[i], other: b.gone[i] });
  };
  list.forEach((b, i) => {
    if (b.same) {
      const head = i === 0 ? 0 : context, tail = i === list.length - 1 ? 0 : context, n = b.gone.length;
      if (n <= head + tail + 2) return stay(b, 0, n);
      stay(b, 0, head);
      out.push({ fold: b, from: head, to: n - tail });
      return stay(b, n - tail, n);
    }
    const pairs = Math.min(b.gone.length, b.come.length);
    if (split) {
      for (let j = 0; j < Math.max(b.gone.length, b.come.length); j++) {
        out.push({ sign: "±", was: j < b.gone.length ? b.was + j + 1 : 0, now: j < b.come.length ? b.now + j + 1 : 0, text: b.gone[j], other: b.come[j] });
      }
      return;
    }
    b.gone.forEach((text, j) => out.push({ sign: "-", was: b.was + j + 1, text, other: j < pairs ? b.come[j] : undefined }));
    b.come.forEach((text, j) => out.push({ sign: "+", now: b.now + j + 1, text, other: j < pairs ? b.gone[j] : undefined }));
  });
  return out;
}

// marked shows where two lines differ, if enough of them is the same.
function marked(text, other) {
  if (other === undefined || text === other) return text;
  const most = Math.min(text.length, other.length);
  let head = 0, tail = 0;
  while (head < most && text[head] === other[head]) head++;
  while (tail < most - head && text[text.length - 1 - tail] === other[other.length - 1 - tail]) tail++;
  const whole = (at) => at > 0 && /[\ud800-\udbff]/.test(text[at - 1]); // no half of a character
  if (whole(head)) head--;
  let end = text.length - tail;
  if (whole(end)) end++;
  if (text.slice(0, head).trim().length + tail < Math.max(text.length, other.length) / 4) return text;
  return [text.slice(0, head), end > head && el("mark", text.slice(head, end)), text.slice(end)];
}

const number = (n) => el("td.n", n ? { "data-n": n } : null);

function unifiedRow(r) {
  const kind = r.sign === "+" ? "come" : r.sign === "-" ? "gone" : "stay";
  return el(`tr.${kind}`, number(r.was), number(r.now), el("td.sign", r.sign), el("td.code", marked(r.text, r.other)));
}

function splitRow(r) {
  const cell = (kind, n, text, other) => [number(n), n ? [el(`td.sign.${kind}`, kind === "come" ? "+" : kind === "gone" ? "-" : " "),
    el(`td.code.${kind}`, marked(text, other))] : [el("td.sign.none"), el("td.code.none")]];
  return r.sign === " " ? el("tr", cell("stay", r.was, r.text), cell("stay", r.now, r.text))
    : el("tr", cell("gone", r.was, r.text, r.now ? r.other : undefined), cell("come", r.now, r.other, r.was ? r.text : undefined));
}

function foldRow(r, split, show) {
  const button = el("button.fold", { type: "button" }, plural(r.to - r.from, "unchanged line"));
  const row = el("tr.folded", el("td", { colspan: split ? 6 : 4 }, button));
  row.run = r;
  button.addEventListener("click", () => {
    const opened = [];
    for (let i = r.from; i < r.to; i++) opened.push({ sign: " ", was: r.fold.was + i + 1, now: r.fold.now + i + 1, text: r.fold.gone[i], other: r.fold.gone[i] });
    show(row, opened);
  });
  return row;
}

// nearby calls back when an element comes near to what is seen.
const watched = new WeakMap();
const watcher = new IntersectionObserver((seen) => {
  for (const s of seen) if (s.isIntersecting) watched.get(s.target)?.();
}, { rootMargin: "600px" });
function nearby(node, then) {
  watched.set(node, () => { watcher.unobserve(node); then(); });
  watcher.observe(node);
}

// diffOf shows one text, as a table for every chunk of rows: what one holds moves
// nothing in the others. The next is made when it is scrolled to, or asked for.
function diffOf(text, split, label) {
  if (!text.gone || !text.come) split = false; // one side alone
  const rows = rowsOf(blocks(text.rows), split);
  const columns = split ? ["n", "sign", "code", "n", "sign", "code"] : ["n", "n", "sign", "code"];
  const heads = split ? ["line before", "sign", "before", "line after", "sign", "after"] : ["line before", "line after", "sign", "text"];
  const node = (r) => r.fold ? foldRow(r, split, unfold) : split ? splitRow(r) : unifiedRow(r);
  function unfold(row, opened) { // of a very long run the next part stays folded
    const rest = opened.length > chunk ? [{ ...row.run, from: row.run.from + chunk }] : [];
    row.replaceWith(...[...opened.slice(0, chunk), ...rest].map(node));
  }
  const box = el("div");
  let at = 0;
  const next = () => {
    add(box, el("div.chunk", el(`table.diff.${split ? "split" : "unified"}`, { "aria-label": label },
      el("colgroup", columns.map((name) => el(`col.${name}`))),
      el("thead.unseen", el("tr", heads.map((h) => el("th", { scope: "col" }, h)))),
      el("tbody", rows.slice(at, at += chunk).map(node)))));
    if (at >= rows.length) return;
    const more = el("button.fold.rest", { type: "button" }, plural(rows.length - at, "more row"));
    const go = () => { if (more.isConnected) { more.remove(); next(); } };
    more.addEventListener("click", go);
    add(box, more);
    nearby(more, go);
  };
  next();
  return box;
}
