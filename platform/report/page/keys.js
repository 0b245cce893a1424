// Keys, theme and layout.
const results = byId("results");
let layout = "";
const splitNow = () => layout ? layout === "split" : window.innerWidth >= 1200;

function setLayout(to) {
  layout = to;
  byId("layout").textContent = splitNow() ? "Diff: side by side" : "Diff: unified";
  for (const box of results.querySelectorAll(".text")) box.redraw?.();
}

const themes = ["system", "light", "dark"];
const kept = (value) => {
  try {
    if (value) localStorage.setItem("dualtrack.theme", value);
    return localStorage.getItem("dualtrack.theme");
  } catch {
    return null; // a file may have no storage
  }
};
let theme = "system";
function setTheme(to) {
  theme = themes.includes(to) ? to : "system";
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = `Theme: ${theme}`;
}

function nextTheme() {
  setTheme(themes[(themes.indexOf(theme) + 1) % themes.length]);
  kept(theme);
}

function step(by) {
  const all = [...results.querySelectorAll(".entry")].filter((node) => !node.parentElement.closest(".entry") && node.offsetParent);
  const here = document.activeElement?.closest?.(".entry");
  const top = here && (here.parentElement.closest(".entry") || here);
  const next = all[top ? all.indexOf(top) + by : by > 0 ? 0 : all.length - 1];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

const all = (on) => results.querySelectorAll(".entry.object").forEach((node) => node.toggle(on, true));
const actions = {
  j: () => step(1), k: () => step(-1), e: () => all(true), c: () => all(false), t: nextTheme,
  u: () => setLayout(splitNow() ? "unified" : "split"), x: () => byId("filter").reset(),
  "/": () => { byId("f-text").focus(); byId("f-text").select(); }, "?": () => byId("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  const at = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || byId("help").open) return;
  if (at.matches?.("input, select, textarea")) {
    if (event.key === "Escape" && at.id === "f-text") results.focus();
    return;
  }
  if (event.key === "Enter" && at.matches?.(".entry.object")) {
    at.querySelector("button.heading").click();
    return;
  }
  if (!byId("keys-on").checked || !Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});

byId("theme").addEventListener("click", nextTheme);
byId("layout").addEventListener("click", actions.u);
byId("help-open").addEventListener("click", actions["?"]);
addEventListener("beforeprint", () => {
  for (const node of results.querySelectorAll(".entry.object")) if (!node.lastElementChild.hidden) node.fill();
});
