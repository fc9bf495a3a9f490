// Texts and elements. Whatever comes from the data gets into the page as text, never as markup.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function bytes(count) {
  let unit = 0;
  let amount = count;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 100 ? 0 : amount >= 10 ? 1 : 2;
  return `${amount.toFixed(digits)} ${UNITS[unit]}`;
}

function growth(before, after) {
  if (before === null || after === null || before === undefined || after === undefined || before === after) return "";
  return `${after < before ? "−" : "+"}${bytes(Math.abs(after - before))}`;
}

function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

function percent(part, whole) {
  if (!whole) return "0 %";
  const share = (100 * part) / whole;
  return share > 0 && share < 1 ? "< 1 %" : `${Math.round(share)} %`;
}

/** `2026-11-22 14:03` of `2026-11-22T14:03:00Z` */
function minutes(time) {
  return time.slice(0, 16).replace("T", " ");
}

/** An element with these attributes and children; texts become text nodes. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** `part` of `whole` as a bar; never wider than its track. */
function meter(part, whole, label) {
  const share = whole ? Math.min(1, part / whole) : part > 0 ? 1 : 0;
  const fill = h("span", { hidden: part === 0 });
  fill.style.width = `${100 * share}%`;
  return h(
    "div",
    {
      class: part > whole ? "meter over" : "meter",
      role: "meter",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": Math.max(whole, 1),
      "aria-valuenow": Math.min(part, Math.max(whole, 1)),
      "aria-valuetext": percent(part, whole),
    },
    fill,
  );
}

function figures(pairs) {
  return h("dl", { class: "figures" }, pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** Where a function's page is. */
function address(name, inside) {
  const place = new URLSearchParams({ function: name });
  if (inside) place.set("in", inside);
  return `#${place}`;
}
