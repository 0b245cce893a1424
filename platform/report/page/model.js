// What the page is about: the JSON form of the report, and lines of objects.
const data = JSON.parse(byId("data").textContent);
const report = data.report;
const lines = data.lines || [];
const findings = report.findings || [];
const objects = report.change?.objects || [];
const lifted = new Set(report.change?.lifted || []);

const keyOf = (o) => o ? [(o.apiVersion || "").split("/").slice(0, -1).join("/"), o.kind, o.namespace || "", o.name].join("\u0000") : "";
const meets = (a, b) => !a?.length || !b?.length || a.some((name) => b.includes(name));

// An entry is what is filtered, opened and walked through.
const byObject = new Map();
const findingEntries = findings.map((f, i) => {
  const entry = {
    what: "finding", id: `f${i}`, finding: f, clusters: f.clusters || [], component: f.component || "", kind: f.object?.kind || "",
    severity: f.severity, class: f.class || "current",
    text: () => [f.rule, f.message, f.mend, nameOf(f.object), f.pointer, place(f.position), ...(f.places || []).map((p) => place(p.position)), f.component, f.fingerprint, ...(f.clusters || [])],
  };
  const key = keyOf(f.object);
  if (f.object?.kind) byObject.set(key, [...(byObject.get(key) || []), entry]);
  return entry;
});

const objectEntries = objects.map((g, i) => {
  const texts = (data.texts && data.texts[i]) || [];
  return {
    what: "object", id: `o${i}`, group: g, texts, clusters: g.clusters || [], component: g.component || "", kind: g.object.kind || "",
    found: (byObject.get(keyOf(g.object)) || []).filter((e) => meets(e.clusters, g.clusters)),
    gone: Math.max(0, ...texts.map((t) => t.gone)), come: Math.max(0, ...texts.map((t) => t.come)),
    text: () => [g.action, nameOf(g.object), g.component, g.from, place(g.position), ...(g.clusters || []),
      ...(g.fields || []).flatMap((f) => [f.path, words(f.before), words(f.after)]),
      ...(g.consequences || []).flatMap((c) => [c.effect, c.why])],
  };
});

const clusterEntries = (report.clusters || []).map((c, i) => ({
  what: "cluster", id: `c${i}`, cluster: c, clusters: [c.name], component: "", kind: "", text: () => [JSON.stringify(c)],
}));

const rowEntries = (report.validation || []).map((v, i) => ({
  what: "row", id: `v${i}`, row: v, clusters: v.clusters || [], component: v.component, kind: v.object?.kind || "",
  text: () => [v.component, v.what, v.by, v.version, v.skipped, v.nothing, ...(v.accepted || []), ...(v.problems || []).map((p) => JSON.stringify(p))],
}));

const entries = [...findingEntries, ...objectEntries, ...clusterEntries, ...rowEntries];
const distinct = (list) => [...new Set(list)].filter(Boolean).sort();
const clusterNames = distinct(entries.flatMap((e) => e.clusters));

// The order of words that are worse than others.
const severities = ["error", "warning", "info"];
const classes = ["new", "current", "unknown", "pre-existing", "waived", "fixed"];
const order = (list, word) => list.includes(word) ? list.indexOf(word) : list.length;
