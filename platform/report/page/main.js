// The page is drawn anew for every filter, the first of many entries only.
let shownNow = [];

function draw() {
  const takes = matcher();
  shownNow = entries.filter(takes);
  const of = (what) => shownNow.filter((e) => e.what === what);
  const parts = [], links = [];
  const part = (id, title, count, make) => {
    parts.push(el("section.top", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title, count !== null && el("span.count", count.toLocaleString("en"))), make()));
    links.push(el("button.link", { type: "button", onclick: () => { byId(id).scrollIntoView(); byId(`${id}-title`).closest("section").querySelector("button, [tabindex]")?.focus({ preventScroll: true }); } },
      title, count !== null && el("span.count", count.toLocaleString("en"))));
  };
  const found = of("finding"), changed = of("object"), clusters = of("cluster"), rows = of("row");
  const followed = changed.filter((e) => e.group.consequences?.length);
  if (clusters.length) part("clusters", "Clusters", clusters.length, () => showClusters(clusters));
  if (report.upgrade?.versions?.length) part("versions", "Versions", report.upgrade.versions.length, () => showVersions(report.upgrade.versions));
  if (followed.length) part("consequences", "What follows", null, () => showConsequences(followed));
  if (found.length) part("findings", "Findings", found.length, () => showFindings(found));
  const c = report.change;
  if (c && !c.notCompared) part("changes", "Changes", changed.length, () => [sides(c), changed.length > 0 && showChange(changed)]);
  if (changed.length) part("reach", "By cluster", null, () => showReach([...changed, ...found]));
  if (rows.length) part("validation", "Configurations", rows.length, () => showValidation(rows));
  if (!parts.length) parts.push(el("p.quiet", filtered() ? "Nothing fits the filter." : "Nothing was found, and nothing is to be said."));
  results.replaceChildren(...parts);
  byId("sections").replaceChildren(...links);
  const says = [[found, findingEntries, "finding"], [changed, objectEntries, "changed object"], [clusters, clusterEntries, "cluster"]]
    .filter(([, of]) => of.length).map(([some, of, word]) => `${some.length.toLocaleString("en")} of ${plural(of.length, word)}`);
  byId("shown").textContent = filtered() ? `Shown: ${says.join(", ")}` : "";
}

// sides says what the list of objects can't.
function sides(c) {
  return [
    ...(c.joins || []).map((name) => el("p.remark", `Cluster ${name} joins the fleet.`)),
    ...(c.leaves || []).map((name) => el("p.remark", `Cluster ${name} leaves the fleet; nobody removes what it holds.`)),
    ...(c.notKnown || []).map((name) => el("p.remark", `${name} did not render on one side: its objects are not compared.`)),
    !objects.length && el("p.quiet", c.notKnown?.length ? "No change in what was rendered on both sides." : "No object changes: every cluster's bundle is the same."),
    objects.length > 0 && !shownNow.some((e) => e.what === "object") && el("p.quiet", "No object that changes fits the filter."),
  ];
}

function choose(part, value) {
  byId(`f-${part}`).value = value;
  changed();
  byId("results").focus();
}

// reveal shows an object wherever it is in the list.
function reveal(id) {
  const entry = objectEntries.find((e) => e.id === id);
  if (!entry) return;
  const find = () => results.querySelector(`.object[data-id="${id}"]`);
  const part = () => results.querySelector(`[data-part="${CSS.escape(visible(`component ${entry.component}`))}"]`);
  const next = () => (part() || byId("changes"))?.querySelector("button.more");
  while (!part() && next()) next().click();
  part()?.querySelector('[aria-expanded="false"]')?.closest("h3")?.firstChild.click();
  while (!find() && next()) next().click();
  const node = find();
  if (!node) return;
  node.toggle(true, true);
  node.fill();
  node.scrollIntoView({ block: "start" });
  node.focus({ preventScroll: true });
  writeAddress(id);
}

function changed() {
  for (const part of Object.keys(filter)) filter[part] = byId(`f-${part}`).value;
  writeAddress();
  draw();
}

let wait = 0;
const form = byId("filter");
form.addEventListener("submit", (event) => { event.preventDefault(); changed(); });
form.addEventListener("change", changed);
form.addEventListener("reset", () => setTimeout(changed));
byId("f-text").addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(changed, 150); });
addEventListener("hashchange", () => { const at = readAddress(); draw(); if (at) reveal(at); });

setTheme(kept());
fillFilter();
for (const id of ["tools", "filter", "sections"]) byId(id).hidden = false;
byId("layout").hidden = !objects.length;
const at = readAddress();
setLayout("");
draw();
if (at) reveal(at);
document.documentElement.dataset.ready = "yes";
