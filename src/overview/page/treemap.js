// The treemap of a package. What is zoomed into is shown with its parts and theirs: more would be noise.

/** Parts that are drawn at a time; the smaller ones are in the list of files. */
const MOST_TILES = 60;
const MOST_PARTS = 40;
/** Smaller ones can't be seen. */
const LEAST_PIXELS = 3;
const LABEL_PIXELS = 20;

/** A tree of {name, path, size, own, children?: Map}, by directory, or first by dependency. */
function treeOf(files, byDependency) {
  const root = { name: "", path: "", size: 0, own: 0, children: new Map() };
  for (const file of files) {
    const parts = file.path.split("/");
    if (byDependency) parts.unshift(file.dependency ?? "own and unattributed");
    let node = root;
    add(node, file);
    parts.forEach((part, index) => {
      let child = node.children.get(part);
      if (!child) {
        const isFile = index === parts.length - 1;
        child = { name: part, path: node.path ? `${node.path}/${part}` : part, size: 0, own: 0 };
        if (isFile) child.file = file;
        else child.children = new Map();
        node.children.set(part, child);
      }
      add(child, file);
      node = child;
    });
  }
  return root;
}

function add(node, file) {
  node.size += file.size;
  if (!file.dependency) node.own += file.size;
}

/** Directories that hold nothing but one directory are one step: `python/lib`. */
function collapsed(node) {
  let [last, name] = [node, node.name];
  while (last.children?.size === 1) {
    const [only] = last.children.values();
    if (!only.children) break;
    last = only;
    name = `${name}/${only.name}`;
  }
  return last === node ? node : { ...last, name };
}

function find(root, path) {
  let node = root;
  for (const part of path ? path.split("/") : []) {
    const child = node.children?.get(part);
    if (!child?.children) return root;
    node = child;
  }
  return node;
}

/** The largest parts; the others as one. */
function parts(node, most) {
  const all = [...node.children.values()].filter((child) => child.size > 0).map(collapsed);
  all.sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1));
  if (all.length <= most) return all;
  const rest = all.slice(most - 1);
  const sum = (key) => rest.reduce((total, it) => total + it[key], 0);
  return [...all.slice(0, most - 1), { name: `${rest.length.toLocaleString("en")} smaller`, path: "", size: sum("size"), own: sum("own"), rest: true }];
}

/** Shows `files`, beginning in the directory `inside`; `moved(path)` hears where the user goes. */
function treemap(files, inside, moved) {
  let byDependency = false;
  let root = treeOf(files, false);
  let here = find(root, inside);
  const total = root.size;

  const crumbs = h("ol", { class: "crumbs", "aria-label": "Path" });
  const caption = h("p", { class: "caption", role: "status" });
  const map = h("div", { class: "map", role: "group", "aria-label": "Sizes. Arrow keys move, Enter zooms in, Escape zooms out." });
  const choice = ["Directory", "Dependency"].map((name, index) =>
    h("button", { type: "button", "aria-pressed": String(index === 0), onclick: () => group(index === 1) }, name));

  function group(dependency) {
    if (dependency === byDependency) return;
    byDependency = dependency;
    choice.forEach((button, index) => button.setAttribute("aria-pressed", String((index === 1) === dependency)));
    root = treeOf(files, dependency);
    show("", false);
  }

  function describe(node) {
    const file = node.file;
    const zipped = file?.compressed !== undefined ? `, ${bytes(file.compressed)} in the zip` : "";
    const of = file?.dependency ? `, of ${file.dependency}` : "";
    const share = node === root ? "" : `, ${percent(node.size, total)} of all`;
    return `${node.rest ? node.name : node.path || "All files"} · ${bytes(node.size)}${zipped}${share}${of}`;
  }

  function show(path, focus) {
    here = find(root, path);
    draw();
    caption.textContent = describe(here);
    if (!byDependency) moved(here.path);
    if (focus) map.querySelector(".tile button")?.focus();
  }

  function up(focus) {
    let path = here.path;
    const steps = places().map(([step]) => step);
    if (steps.length > 1) path = steps[steps.length - 2];
    if (path !== here.path) show(path, focus);
  }

  /** The way here, as [path, name]; the root first. */
  function places() {
    const steps = [["", "All files"]];
    let node = root;
    let name = "";
    for (const part of here.path ? here.path.split("/") : []) {
      node = node.children.get(part);
      name = name ? `${name}/${part}` : part;
      // The same steps in which one comes down.
      const [only] = node.children.size === 1 ? node.children.values() : [];
      if (node === here || !only?.children) {
        steps.push([node.path, name]);
        name = "";
      }
    }
    return steps;
  }

  function draw() {
    const [width, height] = [map.clientWidth, map.clientHeight];
    const steps = places();
    crumbs.replaceChildren(...steps.map(([path, name], index) =>
      h("li", {}, index === steps.length - 1
        ? h("span", { "aria-current": "location" }, name)
        : h("button", { type: "button", onclick: () => show(path, false) }, name))));
    if (!width || !height) return;
    const tree = { node: here, parts: parts(here, MOST_TILES).map((node) => ({ node, parts: node.children ? parts(node, MOST_PARTS).map((inner) => ({ node: inner })) : undefined })) };
    const hierarchy = d3.hierarchy(tree, (it) => it.parts).sum((it) => (it.parts ? 0 : it.node.size));
    d3.treemap().size([width, height]).round(true).paddingInner((it) => (it.depth ? 1 : 3)).paddingTop((it) => (it.depth ? LABEL_PIXELS : 0))
      .paddingRight((it) => (it.depth ? 3 : 0)).paddingBottom((it) => (it.depth ? 3 : 0)).paddingLeft((it) => (it.depth ? 3 : 0))(hierarchy);
    const tiles = (hierarchy.children ?? []).filter((it) => it.x1 - it.x0 >= LEAST_PIXELS && it.y1 - it.y0 >= LEAST_PIXELS).map(tile);
    map.replaceChildren(...tiles);
    if (!tiles.length) map.append(h("p", { class: "empty" }, "Nothing here has a size."));
    tiles.forEach((it, index) => { it.querySelector("button").tabIndex = index ? -1 : 0; });
  }

  /** In shares of what it is in, so that print may have another width. */
  function place(element, x, y, width, height, within) {
    const [across, down] = [(part) => `${(100 * part) / within[0]}%`, (part) => `${(100 * part) / within[1]}%`];
    Object.assign(element.style, { left: across(x), top: down(y), width: across(width), height: down(height) });
    return element;
  }

  function tile(it) {
    const { node } = it.data;
    const size = [it.x1 - it.x0, it.y1 - it.y0];
    const [width, height] = size;
    const isWay = Boolean(node.children);
    const isOwn = node.own * 2 > node.size;
    const inner = (it.children ?? []).filter((part) => part.x1 - part.x0 >= 2 && part.y1 - part.y0 >= 2)
      .map((part) => {
        const [width, height] = [part.x1 - part.x0, part.y1 - part.y0];
        const name = width > 44 && height > 18 ? part.data.node.name : "";
        return place(h("span", { class: "part", "aria-hidden": "true" }, name), part.x0 - it.x0, part.y0 - it.y0, width, height, size);
      });
    // Its name is what it shows, and what it has no room for.
    const [isNamed, isSized] = [width > 34 && height > 16, width > 120 && height > 16];
    const unseen = h("span", { class: "hidden" }, isNamed ? "" : node.name, isSized ? "" : `, ${bytes(node.size)}`, `, ${percent(node.size, total)}${isWay ? ", zoom in" : ""}`);
    const button = h("button", {
      type: "button",
      onclick: (event) => (isWay ? show(node.path, event.detail === 0) : caption.replaceChildren(describe(node))),
      onmouseenter: () => { caption.textContent = describe(node); },
      onfocus: () => { caption.textContent = describe(node); },
    }, isNamed && h("span", { class: "label" }, node.name, isSized && h("span", { class: "size" }, ` ${bytes(node.size)}`)), unseen);
    const element = h("div", { class: ["tile", isOwn && "own", isWay && "way"].filter(Boolean).join(" ") }, inner, button);
    return place(element, it.x0, it.y0, width, height, [map.clientWidth, map.clientHeight]);
  }

  /** The nearest tile in a direction. */
  function beside(from, [dx, dy]) {
    const middle = ({ parentElement: it }) => [it.offsetLeft + it.offsetWidth / 2, it.offsetTop + it.offsetHeight / 2];
    const [x, y] = middle(from);
    let [best, least] = [null, Infinity];
    for (const it of map.querySelectorAll(".tile button")) {
      const [a, b] = middle(it);
      const [along, across] = dx ? [(a - x) * dx, Math.abs(b - y)] : [(b - y) * dy, Math.abs(a - x)];
      if (it !== from && along > 1 && along + 2 * across < least) [best, least] = [it, along + 2 * across];
    }
    return best;
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  map.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.key === "Backspace") {
      event.preventDefault();
      up(true);
    }
    const from = document.activeElement;
    const to = ARROWS[event.key] && from.closest(".tile") && beside(from, ARROWS[event.key]);
    if (!to) return;
    event.preventDefault();
    from.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });
  map.addEventListener("mouseleave", () => { caption.textContent = describe(here); });
  new ResizeObserver(() => draw()).observe(map);
  caption.textContent = describe(here);

  const hasOthers = files.some((file) => file.dependency);
  const legend = hasOthers && h("div", { class: "legend" },
    h("span", {}, h("i", { class: "own" }), "own files"), h("span", {}, h("i"), "dependencies"));
  const element = h("div", { class: "space" },
    h("div", { class: "bar-of-tools" }, h("nav", { "aria-label": "Place in the package" }, crumbs),
      hasOthers && h("div", { class: "choice", role: "group", "aria-label": "Group by" }, choice)),
    map, h("div", { class: "bar-of-tools below" }, caption, legend));
  return { element, go: (path) => { if (!byDependency && path !== here.path) show(path, false); } };
}
