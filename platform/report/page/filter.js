// What is shown: entries that every part of the filter takes.
const parts = ["cluster", "component", "kind", "severity", "class"];
const filter = { cluster: "", component: "", kind: "", severity: "", class: "", text: "" };

const filtered = () => Object.values(filter).some(Boolean);

// linesWith are the lines that hold a text; each is looked at once, however many
// objects have it.
function linesWith(text) {
  const found = new Set();
  lines.forEach((line, i) => line.toLowerCase().includes(text) && found.add(i));
  return found;
}

function matcher() {
  const text = filter.text.trim().toLowerCase();
  const found = text ? linesWith(text) : null;
  const says = (e) => {
    e.lower ??= e.text().filter(Boolean).join("\n").toLowerCase();
    return e.lower.includes(text)
      || found.size > 0 && !!e.texts?.some((t) => t.rows?.some((row) => found.has((row - row % 3) / 3)));
  };
  const judged = (e) => (!filter.severity || e.severity === filter.severity) && (!filter.class || e.class === filter.class);
  return (e) => (!filter.cluster || !e.clusters.length || e.clusters.includes(filter.cluster))
    && (!filter.component || e.component === filter.component || e.what === "cluster")
    && (!filter.kind || e.kind === filter.kind || e.what === "cluster")
    && (!filter.severity && !filter.class || (e.what === "finding" ? judged(e) : e.what === "object" ? e.found.some(judged) : true))
    && (!text || says(e));
}

// fill offers what there is to choose.
function fillFilter() {
  const offered = {
    cluster: clusterNames, component: distinct(entries.map((e) => e.component)), kind: distinct(entries.map((e) => e.kind)),
    severity: severities.filter((s) => findingEntries.some((e) => e.severity === s)),
    class: classes.filter((c) => findingEntries.some((e) => e.class === c)),
  };
  for (const part of parts) {
    const select = byId(`f-${part}`);
    select.replaceChildren(el("option", { value: "" }, "all"), ...offered[part].map((name, i) => {
      const option = el("option", name); // its value is the name itself, whatever is written out for people
      option.value = name;
      return option;
    }));
    select.disabled = offered[part].length < 1;
    select.parentElement.hidden = offered[part].length < 2 && part !== "cluster";
  }
}

// The address keeps the filter, so that a link shows the same.
function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const part of [...parts, "text"]) {
    byId(`f-${part}`).value = asked.get(part) || "";
    filter[part] = byId(`f-${part}`).value;
  }
  return asked.get("at");
}

function writeAddress(at) {
  const kept = new URLSearchParams(Object.entries(filter).filter(([, value]) => value));
  if (at) kept.set("at", at);
  try {
    history.replaceState(null, "", "#" + kept);
  } catch { /* a frame may forbid it: then there is no link */ }
}
