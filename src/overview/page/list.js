// Tables of any length: sorted and searched as data, and only as many rows as were asked for are in the page.

/**
 * columns: [{title, hidden?, cell(row), value?(row), number?, class?}]; those with a value can be sorted by.
 * options: {label, rows, columns, search?(row), most, sort: index, empty, what: [one, many]}
 */
function list({ label, rows, columns, search, most = 50, sort = 0, empty, what }) {
  let by = sort;
  let descending = Boolean(columns[sort].number);
  let shown = most;
  let words = [];
  const texts = search && new Map(rows.map((row) => [row, search(row).toLowerCase()]));

  const found = h("p", { class: "soft", role: "status" });
  const body = h("tbody");
  const more = h("button", { type: "button", class: "more", onclick: () => { shown += most * 4; fill(); } });
  const heads = columns.map((column, index) => {
    const title = column.value
      ? h("button", { type: "button", onclick: () => order(index) }, column.title)
      : column.title || h("span", { class: "hidden" }, column.hidden);
    return h("th", { scope: "col", class: classes({ ...column, class: column.class?.includes("less") && "less" }) }, title);
  });
  const field = search && h("input", {
    type: "search",
    "aria-label": `Search ${label}`,
    placeholder: "Search",
    autocomplete: "off",
    spellcheck: "false",
    oninput: (event) => {
      words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = most;
      fill();
    },
  });

  function classes(column) {
    return [column.number && "number", column.class].filter(Boolean).join(" ") || undefined;
  }

  function order(index) {
    descending = by === index ? !descending : Boolean(columns[index].number);
    by = index;
    fill();
  }

  function compare(a, b) {
    const [x, y] = [a, b].map(columns[by].value);
    const order = typeof x === "string" ? x.localeCompare(y, "en") : x - y;
    return descending ? -order : order;
  }

  function fill() {
    const fitting = words.length ? rows.filter((row) => words.every((word) => texts.get(row).includes(word))) : [...rows];
    fitting.sort(compare);
    heads.forEach((head, index) => {
      if (index === by) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    body.replaceChildren(...fitting.slice(0, shown).map((row) =>
      h("tr", {}, columns.map((column) => h("td", { class: classes(column) }, column.cell(row))))));
    const left = fitting.length - shown;
    more.hidden = left <= 0;
    more.textContent = `Show more (${left.toLocaleString("en")} left)`;
    found.textContent = words.length ? `${count(fitting.length, ...what)} found` : count(rows.length, ...what);
  }

  if (!rows.length) return h("p", { class: "empty" }, empty);
  fill();
  return h("div", {},
    h("div", { class: "bar-of-tools" }, field, found),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
      h("table", {}, h("caption", { class: "hidden" }, label), h("thead", {}, h("tr", {}, heads)), body)),
    more);
}
