// Elements are made here, and text gets into the page only as text.
const byId = (id) => document.getElementById(id);
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu;

// visible writes out characters that are seen as nothing or turn text around.
function visible(text) {
  return String(text).replace(unseen, (c) => c === "\n" || c === "\t" ? c
    : `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

// el makes "tag.class.class"; the rest are texts, nodes, lists of them, or objects
// of attributes, where onNAME is a listener.
function el(name, ...rest) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  return add(node, ...rest);
}

function add(node, ...rest) {
  for (const item of rest.flat(Infinity)) {
    if (item === null || item === undefined || item === false) continue;
    if (item instanceof Node) node.append(item);
    else if (typeof item !== "object") node.append(visible(item));
    else {
      for (const [key, value] of Object.entries(item)) {
        if (typeof value === "function") node.addEventListener(key.slice(2), value);
        else if (value !== false) node.setAttribute(key, visible(value));
      }
    }
  }
  return node;
}

function plural(n, word) {
  return `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
}

// words shows a value of JSON.
function words(value) {
  if (value === undefined || value === null) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 300 ? text.slice(0, 300) + "…" : text;
}

const place = (p) => p && p.file ? [p.file, p.line, p.column].filter(Boolean).join(":") : "";

// nameOf says an object as the text form does.
function nameOf(o) {
  if (!o || !o.kind && !o.name) return "";
  return `${o.kind} ${o.namespace ? o.namespace + "/" : ""}${o.name}`;
}

// some shows the first of many, and the next when asked for.
function some(items, size, make, tag = "div") {
  const box = el(`${tag}.some`);
  let at = 0;
  const more = () => {
    const next = items.slice(at, at += size).map(make);
    add(box, next);
    if (at >= items.length) return next[0];
    const button = el("button.more", { type: "button", onclick: () => { row.remove(); more()?.focus?.(); } },
      `Show ${Math.min(size, items.length - at)} more of ${(items.length - at).toLocaleString("en")}`);
    const row = tag === "ul" ? el("li", button) : button;
    add(box, row);
    return next[0];
  };
  more();
  return box;
}

// brief names clusters in few words, everyNamed all of them as far as that is readable.
const brief = (names) => names.length <= 3 ? names.join(", ")
  : names.length === clusterNames.length ? `all ${names.length} clusters` : `${names.length} clusters`;
const onClusters = (names) => names?.length ? el("span.on", { title: names.join(", ") }, brief(names)) : null;
const everyNamed = (names) => names.length <= 3 ? brief(names) : `${brief(names)}: ${names.slice(0, 24).join(", ")}${names.length > 24 ? ", …" : ""}`;
