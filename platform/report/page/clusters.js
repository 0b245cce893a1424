// Clusters: how they stand, or what a change brings to each.
function table(head, rows) {
  return el("div.scroll", el("table.grid", el("thead", el("tr", head.map((h) => el("th", { scope: "col" }, h)))), el("tbody", rows)));
}

// showReach is the change by cluster.
function showReach(list) {
  const names = distinct(list.flatMap((e) => e.clusters));
  const n = (name, take) => list.filter((e) => e.clusters.includes(name) && take(e)).length;
  const actions = distinct(objectEntries.map((e) => e.group.action));
  const judged = distinctClasses(findingEntries.filter((e) => ["new", "fixed", "current"].includes(e.class)));
  return table(["cluster", ...actions, ...judged.map((c) => `${c} findings`)], names.map((name) => el("tr",
    el("th", { scope: "row" }, el("button.link", { type: "button", onclick: () => choose("cluster", name) }, name)),
    actions.map((a) => el("td.num", n(name, (e) => e.group?.action === a))),
    judged.map((c) => el("td.num", n(name, (e) => e.finding && e.class === c))))));
}

const stateTone = (s) => ["converged", "running", "stopped"].includes(s) ? "good" : ["not running", "not changed", "planned"].includes(s) ? "warn" : "bad";

function showClusters(list) {
  return some(list, 50, (e) => clusterEntry(e.cluster, e));
}

function clusterEntry(c, e) {
  const judges = (c.tracks || []).map((t) => el(`span.badge.${t.ok ? "good" : "bad"}`, `${t.name} ${t.inSync}/${t.objects} in sync, ${t.healthy} healthy`));
  const details = [
    notes("Objects of the bundle that a track is not content with", (c.tracks || []).flatMap((t) => (t.against || []).map((v) => ({ t, v }))), ({ t, v }) =>
      el("li", el("code", nameOf(v.object)), ` ${t.name}: ${v.sync === "in sync" ? v.health : v.sync}`, v.native && ` (${v.native})`, v.why && `: ${v.why}`, fieldsOf(v.fields))),
    notes("Tracks disagree", c.disagreements, (d) => el("li", el("code", nameOf(d.object)), " ", d.field, ` flux “${d.flux}”, argo “${d.argo}”: ${d.why}`)),
    notes("Drift", c.drift, (d) => el("li", el("code", nameOf(d.object)), ` ${d.class} · flux: ${d.flux} · argo: ${d.argo}`, fieldsOf(d.fields),
      (d.policy || []).map((f) => el("p", `policy: ${f.severity}: ${f.rule}: ${f.message}`)))),
    notes(c.state === "planned" || c.state === "not changed" ? "Would change" : "Changes", c.changes, (x) => el("li", x.action, " ", el("code", nameOf(x.object)), fieldsOf(x.fields))),
    notes("Waits for", c.waiting, note), notes("Withheld", c.withheld, note), notes("Kept", c.kept, note),
    notes("There and not ours", c.survey?.foreign, (o) => el("li", nameOf(o))),
    notes("The account may not", c.survey?.missing, (p) => el("li", [p.verb, p.resource, p.group && `of ${p.group}`, p.namespace && `in ${p.namespace}`].filter(Boolean).join(" "))),
    notes("Started", c.started, (name) => el("li", name)),
    notes("Programs", c.programs, (p) => el("li", `${p.name}: ${p.state}`, p.pid && ` (${p.pid})`)),
  ].filter(Boolean);
  return el("article.entry.cluster", { tabindex: "-1", "data-id": e.id, "aria-label": `${c.name}: ${c.state}` },
    el("h3", el(`span.badge.${stateTone(c.state)}`, c.state), el("span.name", c.name), el("span.quiet", c.role)),
    el("p.line", judges, el("span", plural(c.objects || 0, "object")), c.kubernetes && el("span", `Kubernetes ${c.kubernetes}`),
      c.healthEvidence && el("span", `pod health ${c.healthEvidence}`), c.pods && el("span", `${c.pods.observed} pods observed, ${c.pods.simulated} simulated`)),
    c.why && el("p.remark", c.why), details);
}

const note = (n) => el("li", el("code", nameOf(n.object)), ` ${n.why}`);
const fieldsOf = (fields) => fields?.length && el("ul", fields.map((f) => el("li", el("code", f.pointer || "the whole object"),
  ` wants ${words(f.want)}, has ${words(f.have)}`, f.writer?.manager && ` · ${f.writer.manager}, ${f.writer.operation}`)));

function notes(title, list, make) {
  return list?.length && el("details", { open: list.length <= 20 && "" }, el("summary", title, el("span.count", list.length)), some(list, 100, make, "ul"));
}

function showValidation(list) {
  const says = (v) => v.skipped ? `SKIPPED: ${v.skipped}` : v.nothing ? `no configuration: ${v.nothing}`
    : v.problems?.length ? `refused: ${plural(v.problems.length, "problem")}` : (v.accepted || []).join(", ");
  return table(["component", "configuration", "judged by", "says", "on"], list.map(({ row: v }) => el("tr",
    el("th", { scope: "row" }, v.component), el("td", v.what), el("td", v.nothing ? "nobody" : [v.by, v.version, v.how].filter(Boolean).join(" ")),
    el("td", v.skipped || v.problems?.length ? el("span.badge.bad", says(v)) : says(v)), el("td", onClusters(v.clusters)))));
}

function showVersions(list) {
  return table(["part", "from", "to"], list.map((v) => el("tr", el("th", { scope: "row" }, v.part), el("td", v.before || "new"), el("td", v.after || "gone"))));
}
