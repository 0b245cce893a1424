// What changes, and what follows of it.
const worst = ["refused", "loses data"];
const levelOf = (c) => c.level ? order(severities, c.level) : worst.includes(c.effect) ? worst.indexOf(c.effect) : 2;
const toneOf = (c) => ["bad", "warn", "plain"][Math.min(levelOf(c), 2)];

// showConsequences is by effect, then by reason, with the objects of each.
function showConsequences(list) {
  const effects = new Map();
  for (const e of list) {
    for (const c of e.group.consequences || []) {
      const effect = effects.get(c.effect) || { name: c.effect, level: 9, whys: new Map(), on: new Set(), objects: new Set() };
      if (levelOf(c) < effect.level) Object.assign(effect, { level: levelOf(c), tone: toneOf(c) });
      effects.set(c.effect, effect);
      effect.whys.set(c.why, [...(effect.whys.get(c.why) || []), e]);
      effect.objects.add(e.id);
      e.clusters.forEach((name) => effect.on.add(name));
    }
  }
  return [...effects.values()].sort((a, b) => a.level - b.level).map((effect) => el("div.effect",
    el("h3", el(`span.badge.${effect.tone}`, effect.name), el("span.quiet", plural(effect.objects.size, "object"), " · ", onClusters([...effect.on].sort()))),
    some([...effect.whys], 20, ([why, of]) => el("div.why", el("p", why), some([...new Set(of)], 12, (e) =>
      el("button.link", { type: "button", onclick: () => reveal(e.id) }, nameOf(e.group.object), e.clusters.length < clusterNames.length && ` (${brief(e.clusters)})`))))));
}

// showChange is by component.
function showChange(list) {
  const components = new Map();
  for (const e of list) components.set(e.component, [...(components.get(e.component) || []), e]);
  // What is opened unasked: everything of a small change; of a larger one the
  // small diffs, and nothing that only comes or goes.
  const small = list.reduce((n, e) => n + e.gone + e.come, 0) <= 200;
  let room = 400;
  const open = new Set(list.filter((e) => small || e.gone && e.come && (room -= e.gone + e.come + 8) > 0).map((e) => e.id));
  let drawn = 0; // entries made at first: of a large change the other components wait closed
  return some([...components], 200, ([name, of]) => folding(`component ${name}`, 3, [name || "settings of clusters", el("span.count", plural(of.length, "object"))],
    (drawn += of.length) <= 150 || drawn === of.length, () => some(of, 100, (e) => objectEntry(e, open.has(e.id)))));
}

// wants holds which objects a reader opened or closed.
const wants = new Map();
function objectEntry(e, open) {
  const g = e.group;
  const body = el("div.body", { id: `${e.id}-body` });
  const button = el("button.heading", { type: "button", "aria-controls": body.id },
    el(`span.badge.${{ added: "good", removed: "bad" }[g.action] || "plain"}`, g.action), el("span.name", nameOf(g.object)));
  const entry = el("article.entry.object", { tabindex: "-1", "data-id": e.id, "aria-label": `${g.action} ${nameOf(g.object)}` },
    el("h4", button),
    el("p.line", onClusters(g.clusters), g.from && el("span", `from ${g.from}`),
      [...new Set((g.consequences || []).map((c) => c.effect))].map((name) =>
        el(`span.badge.${toneOf(g.consequences.find((c) => c.effect === name))}`, name)),
      e.found.some(news) && el("span.badge.warn", plural(e.found.filter(news).length, "finding")),
      e.gone + e.come > 0 && el("span.lines", el("span.come", `+${e.come}`), " ", el("span.gone", `−${e.gone}`)),
      place(g.position) && el("code.place", place(g.position))), body);
  entry.toggle = (on, asked) => {
    if (asked) wants.set(e.id, on);
    body.hidden = !on;
    button.setAttribute("aria-expanded", on);
    if (on && !body.firstChild) nearby(body, () => body.firstChild || add(body, objectBody(e)));
    if (on && !body.firstChild) body.style.minHeight = `${Math.min(e.gone + e.come + 10, 400) * 1.5}em`;
  };
  entry.fill = () => { body.style.minHeight = ""; body.firstChild || add(body, objectBody(e)); };
  button.addEventListener("click", () => entry.toggle(body.hidden, true));
  entry.toggle(wants.get(e.id) ?? open);
  return entry;
}

const news = (f) => !["pre-existing", "waived"].includes(f.class);
function objectBody(e) {
  const g = e.group, stands = e.found.filter((f) => !news(f)).length;
  requestAnimationFrame(() => { byId(`${e.id}-body`)?.style.removeProperty("min-height"); });
  return [
    g.consequences?.length && el("ul.consequences", g.consequences.map((c) =>
      el("li", el(`span.badge.${toneOf(c)}`, c.effect), " ", c.why, c.pointer && [" ", el("code", c.pointer)]))),
    g.clusters?.length > 3 && el("p.quiet", everyNamed(g.clusters)),
    e.found.filter(news).map((f) => findingCard(f, true)),
    stands > 0 && el("p.quiet", `${plural(stands, "more finding")} on it that the change neither brings nor mends`),
    g.fields?.length && el("details", { open: g.fields.length <= 20 && "" }, el("summary", plural(g.fields.length, "field")),
      some(g.fields, 100, (f) => el("p.field", el("code.path", f.path || "the whole object"), " ",
        el("span.was", words(f.before)), " → ", el("span.now", words(f.after))))),
    textOf(e),
  ];
}

// textOf shows the diff; where clusters differ in it, the one that is chosen.
function textOf(e) {
  if (!e.texts.length) return el("p.quiet", "Its text is not part of this page.");
  const box = el("div.text");
  const show = (t) => box.replaceChildren(t.large
    ? el("p.remark", `Its ${plural(t.large, "line")} are left out: this page holds no more. \`platform diff\` and \`platform render\` show them.`)
    : diffOf(t, splitNow(), `${nameOf(e.group.object)} on ${t.on.join(", ")}`));
  let chosen = e.texts.find((t) => t.on.includes(filter.cluster)) || e.texts[0];
  box.redraw = () => show(chosen);
  show(chosen);
  if (e.texts.length === 1) return box;
  const select = el("select", e.texts.map((t, i) => {
    const option = el("option", { value: i }, t.on.length > 4 ? `${t.on.slice(0, 3).join(", ")} and ${t.on.length - 3} more` : t.on.join(", "));
    option.selected = t === chosen;
    return option;
  }), { onchange: () => show(chosen = e.texts[Number(select.value)]) });
  return [el("p.line", el("label", `It reads in ${e.texts.length} ways; as on `, select)), box];
}
