// Which page is shown: the part of the address behind `#` says it, so that each can be linked to and gone back from.

const PAGES = { functions: ["Functions", functionsPage], shared: ["Shared files", sharedPage], dependencies: ["Dependencies", dependenciesPage] };

const data = JSON.parse(document.getElementById("data").textContent);
const content = document.getElementById("content");
/** The function that is shown, with its page. */
let shown = null;
/** The part of the address that is shown: two events may tell of one step. */
let last = null;

const links = Object.entries(PAGES).map(([page, [title]]) => h("a", { href: `#${page}` }, title));
document.getElementById("pages").append(...links);
document.getElementById("footer").textContent =
  `Made by lambda-pack report. Store: ${data.store}. Sizes: 1 MiB has 1,048,576 bytes. Times are those of the store's clock.`;

function mark(page) {
  links.forEach((link) => {
    if (link.hash === `#${page}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
}

function show(isFirst) {
  if (location.hash === last) return;
  last = location.hash;
  const place = new URLSearchParams(location.hash.slice(1));
  const name = place.get("function");
  const inside = place.get("in") ?? "";
  if (name !== null && shown?.name === name) {
    shown.go(inside);
    return;
  }
  const it = name === null ? null : data.functions.find((candidate) => candidate.name === name);
  shown = null;
  let title;
  if (it) {
    // Zooming is a step that can be gone back from.
    const page = functionPage(data, it, inside, (path) => {
      if (location.hash === address(name, path)) return;
      last = address(name, path);
      // Without an event: what it leads to is drawn.
      history.pushState(null, "", last);
    });
    content.replaceChildren(...page.element.childNodes);
    shown = { name, go: page.go };
    title = name;
    mark("functions");
  } else if (name !== null) {
    content.replaceChildren(h("h1", {}, "Not in this report"), h("p", {}, "It has no function of the name ", h("code", {}, name), ". ", h("a", { href: "#functions" }, "All functions")));
    title = "Not in this report";
    mark("");
  } else {
    const page = location.hash.slice(1);
    const [heading, make] = PAGES[page] ?? PAGES.functions;
    content.replaceChildren(...make(data).childNodes);
    title = heading;
    mark(PAGES[page] ? page : "functions");
  }
  document.title = `${title} · Lambda packages`;
  if (!isFirst) {
    scrollTo(0, 0);
    content.focus({ preventScroll: true });
  }
}

const THEMES = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };
const themeButton = document.getElementById("theme");

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  themeButton.textContent = THEMES[theme];
  themeButton.dataset.theme = theme;
}

/** Kept where the browser lets a page keep something. */
function storedTheme() {
  try {
    return localStorage.getItem("lambda-pack-theme");
  } catch {
    return null;
  }
}

setTheme(Object.hasOwn(THEMES, storedTheme() ?? "") ? storedTheme() : "auto");
themeButton.addEventListener("click", () => {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(themeButton.dataset.theme) + 1) % names.length];
  setTheme(next);
  try {
    localStorage.setItem("lambda-pack-theme", next);
  } catch {
    // Then it lasts as long as the page does.
  }
});

// As a link it would lead away from the page that is shown.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  content.focus();
});
addEventListener("hashchange", () => show(false));
addEventListener("popstate", () => show(false));
show(true);
