// Findings, by how they came about.
function findingCard(e, short) {
  const f = e.finding;
  const further = (f.places || []).filter((p) => place(p.position) !== place(f.position));
  const word = f.class ? `${f.class} ${f.severity}` : f.severity;
  const tone = f.class === "fixed" ? "good" : f.class === "waived" || f.class === "unknown" || f.severity === "info" ? "plain" : f.severity === "error" ? "bad" : "warn";
  return el("article.entry.finding", { tabindex: "-1", "data-id": e.id, "aria-label": `${word}: ${f.rule}` },
    el("p.line", el(`span.badge.${tone}`, word), el("code.rule", f.rule), el("span.message", f.message)),
    el("dl.about",
      place(f.position) && pair("source", el("code", place(f.position))),
      further.length > 0 && pair("also at", further.slice(0, 50).map((p) => el("p", el("code", place(p.position)), p.clusters?.length && [" ", everyNamed(p.clusters)])),
        further.length > 50 && `and ${further.length - 50} more places`),
      !short && nameOf(f.object) && pair("object", el("code", nameOf(f.object)), f.pointer && [" ", el("code", f.pointer)]),
      short && f.pointer && pair("field", el("code", f.pointer)),
      f.clusters?.length && pair("on", everyNamed(f.clusters)),
      f.mend && f.class !== "fixed" && pair("mend", f.mend),
      f.patch && f.class !== "fixed" && pair("patch", el("code", JSON.stringify(f.patch))),
      lifted.has(f.fingerprint) && pair("note", "the change itself would let this through, by an exception or setting of its own; it is judged by those of its base")));
}

const pair = (name, ...value) => el("div", el("dt", name), el("dd", ...value));

const classWords = {
  new: "New: this change brings them", current: "In the tree", unknown: "Unknown: the rule lacked its evidence, which is no pass",
  "pre-existing": "Pre-existing: the base has them too", waived: "Waived by an exception", fixed: "Fixed by this change",
};

function showFindings(list) {
  return distinctClasses(list).map((name) => {
    const of = list.filter((e) => e.class === name).sort((a, b) => order(severities, a.severity) - order(severities, b.severity));
    return folding(`findings ${name}`, 3, [classWords[name] || name, el("span.count", of.length.toLocaleString("en"))],
      filtered() || ["new", "current", "unknown"].includes(name), () => some(of, 50, (e) => findingCard(e)));
  });
}

const distinctClasses = (list) => distinct(list.map((e) => e.class)).sort((a, b) => order(classes, a) - order(classes, b));

// folding is a part under a heading that opens and closes; what it holds is made
// when it is opened, and stays open once it was.
const opened = new Map();
function folding(key, level, title, open, make) {
  const box = el("div.body");
  const button = el("button.heading", { type: "button", "aria-expanded": "false" }, title);
  const set = (on) => {
    button.setAttribute("aria-expanded", on);
    box.hidden = !on;
    if (on && !box.firstChild) add(box, make());
  };
  button.addEventListener("click", () => { opened.set(key, box.hidden); set(box.hidden); });
  set(opened.get(key) ?? open);
  return el("section.part", { "data-part": key }, el(`h${level}`, button), box);
}
