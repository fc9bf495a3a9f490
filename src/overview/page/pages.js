// The pages of the whole project: functions, shared files, dependencies.

function functionsPage(data) {
  const all = data.functions;
  const sum = (value) => all.reduce((total, it) => total + (value(it) ?? 0), 0);
  const differ = all.filter((it) => it.status !== "published").length;
  const unzipped = (it) => it.limits.find((limit) => limit.name === "unzipped_bytes");
  const largest = Math.max(1, ...all.map((it) => it.unzipped_bytes ?? 0));
  return h("div", {},
    h("div", { class: "head" }, h("h1", {}, "Functions"),
      h("p", { class: "soft" }, standing(data, differ))),
    figures([
      ["Functions and layers", all.length.toLocaleString("en")],
      ["Changed or new", differ.toLocaleString("en")],
      ["Zips", bytes(sum((it) => it.package?.size_bytes))],
      ["Unzipped", bytes(sum((it) => it.unzipped_bytes))],
      ["Layers could save", bytes(data.shared.saves_bytes)],
    ]),
    list({
      label: "functions",
      what: ["function"],
      rows: all,
      most: 100,
      sort: 0,
      empty: "No function is defined.",
      search: (it) => [it.name, it.runtime ?? "", it.kind, STATUS[it.status], it.reason ?? ""].join(" "),
      columns: [
        { title: "Name", class: "name", cell: (it) => h("a", { href: address(it.name) }, it.name), value: (it) => it.name },
        { title: "Status", class: "less", cell: status, value: (it) => it.status },
        { title: "Zip", number: true, class: "less", cell: (it) => (it.package ? bytes(it.package.size_bytes) : "—"), value: (it) => it.package?.size_bytes ?? 0 },
        { title: "Unzipped", number: true, cell: (it) => (it.unzipped_bytes === null ? "—" : bytes(it.unzipped_bytes)), value: (it) => it.unzipped_bytes ?? 0 },
        { title: "", hidden: "Beside the largest", class: "less", cell: (it) => bar(it, unzipped(it), largest) },
        { title: "Why it differs", class: "wide", cell: (it) => it.reason ?? "", value: (it) => it.reason ?? "" },
      ],
    }));
}

/** Of the limit, if one is near; else of the largest. */
function bar(it, limit, largest) {
  if (it.unzipped_bytes === null) return "";
  if (limit && limit.amount > limit.most) return meter(limit.amount, limit.most, `${it.name}: of the limit`);
  return meter(it.unzipped_bytes, largest, `${it.name}: of the largest`);
}

function standing(data, differ) {
  if (!data.store_exists) return `The bucket of ${data.store} isn't there yet: nothing was published.`;
  if (!differ) return `All are what was published last in ${data.store}.`;
  return `${differ.toLocaleString("en")} of ${data.functions.length.toLocaleString("en")} are not what was published last in ${data.store}.`;
}

function sharedPage(data) {
  const { groups, saves_bytes: saves, more_groups: more } = data.shared;
  const content = groups.length
    ? [...groups.map((group) => sharedGroup(group)), more > 0 && h("p", { class: "soft" }, `${count(more, "group")} that would save less are left out.`)]
    : [h("p", { class: "empty" }, "No two functions have a file in common, byte for byte.")];
  return h("div", {},
    h("div", { class: "head" }, h("h1", {}, "Shared files"),
      h("p", { class: "soft" }, groups.length
        ? `Files that are the same, byte for byte, in several functions. In layers they would take ${bytes(saves)} less, unzipped.`
        : "Files that are the same, byte for byte, in several functions.")),
    h("div", {}, content.filter(Boolean)));
}

function sharedGroup(group, name) {
  const others = group.functions.filter((it) => it !== name);
  const SHOWN = 6;
  const links = (names) => names.flatMap((it, index) => [index ? ", " : "", h("a", { href: address(it) }, it)]);
  const what = group.dependencies.length ? group.dependencies.slice(0, 8).join(", ") + (group.dependencies.length > 8 ? ` and ${group.dependencies.length - 8} more` : "") : group.largest[0].path;
  return h("div", { class: "group" },
    h("div", { class: "bar-of-tools" },
      h("strong", {}, what),
      h("span", {}, `saves ${bytes(group.saves_bytes)}`)),
    h("p", { class: "soft" }, `${count(group.files, "file")}, ${bytes(group.size)} in each of ${group.functions.length.toLocaleString("en")} functions: `,
      name ? "this one, " : "", ...links(others.slice(0, SHOWN)), others.length > SHOWN ? ` and ${others.length - SHOWN} more` : ""),
    h("details", {}, h("summary", {}, group.files > group.largest.length ? "The largest files" : "Files"),
      h("ul", { class: "plain" }, group.largest.map((file) => h("li", {}, h("code", {}, file.path), " ", h("span", { class: "soft" }, bytes(file.size)))))));
}

function dependenciesPage(data) {
  const rows = new Map();
  for (const it of data.functions) {
    for (const row of it.dependencies) {
      const key = JSON.stringify([row.name, row.versions]);
      const known = rows.get(key) ?? { ...row, size: 0, functions: [] };
      known.size += row.size;
      known.functions.push(it.name);
      if (!known.licenses.length) known.licenses = row.licenses;
      rows.set(key, known);
    }
  }
  return h("div", {},
    h("div", { class: "head" }, h("h1", {}, "Dependencies"),
      h("p", { class: "soft" }, "What bills of materials and lock files list, and whose files paths tell.")),
    list({
      label: "dependencies",
      what: ["dependency", "dependencies"],
      rows: [...rows.values()],
      most: 100,
      sort: 0,
      empty: "No function holds packages of others.",
      search: (row) => [row.name, ...row.versions, ...row.licenses, ...row.purls, ...row.functions].join(" "),
      columns: [
        { title: "Name", class: "name", cell: (row) => row.name, value: (row) => row.name },
        { title: "Version", cell: (row) => row.versions.join(", "), value: (row) => row.versions.join(", ") },
        { title: "Licence", class: "wide", cell: (row) => row.licenses.join(", "), value: (row) => row.licenses.join(", ") },
        { title: "Size in all", number: true, cell: (row) => (row.size ? bytes(row.size) : ""), value: (row) => row.size },
        { title: "Functions", number: true, cell: (row) => row.functions.length.toLocaleString("en"), value: (row) => row.functions.length },
        { title: "In", class: "wide less", cell: (row) => users(row.functions), value: (row) => row.functions[0] },
      ],
    }));
}

function users(names) {
  const shown = names.slice(0, 3).flatMap((name, index) => [index ? ", " : "", h("a", { href: address(name) }, name)]);
  return h("span", {}, shown, names.length > 3 ? ` and ${names.length - 3} more` : "");
}
