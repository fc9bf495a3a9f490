// The page of one function or layer.

const LIMITS = {
  size_bytes: "Zip",
  direct_upload_bytes: "Zip, uploaded without S3",
  unzipped_bytes: "Unzipped, with layers",
  environment: "Environment variables",
  environment_bytes: "Environment",
  layers: "Layers",
  memory_size: "Memory, MB",
  timeout: "Time-out, seconds",
  ephemeral_storage: "/tmp, MB",
};

const STATUS = { published: "as published last", changed: "changed", new: "not published yet" };

function status(it) {
  return h("span", { class: `status ${it.status}` }, STATUS[it.status]);
}

function section(title, ...content) {
  return h("section", {}, h("h2", {}, title), ...content);
}

/** Shows a function; `inside` is where its treemap begins. */
function functionPage(data, it, inside, moved) {
  const map = it.files.length ? treemap(it.files, inside, moved) : null;
  const element = h("div", {},
    head(it),
    figures(sizes(it)),
    section("What takes the space", ...space(it, map)),
    section("Limits", limits(it)),
    section("Largest files", files(it)),
    section("Dependencies", dependencies(it)),
    section("Shared with other functions", ...sharedWith(data, it)),
    section("History", ...published(it)));
  return { element, go: (path) => map?.go(path) };
}

function head(it) {
  const facts = [
    ["Status", h("span", {}, status(it), it.reason && it.status !== "new" ? ` — ${it.reason}` : "")],
    ["Source hash", h("code", {}, it.source_hash)],
    it.previous && ["Published last", h("code", {}, it.previous.source_hash)],
    it.package && ["Code SHA-256", h("code", {}, it.package.code_sha256)],
    ["Runs on", [it.kind === "layer" ? "layer" : it.runtime ?? "no runtime", it.architecture].join(", ")],
  ].filter(Boolean);
  return h("div", { class: "head" },
    h("p", {}, h("a", { href: "#functions" }, "All functions")),
    h("h1", {}, it.name),
    h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

function sizes(it) {
  const before = it.previous ?? {};
  const unzipped = it.unzipped_bytes === null ? "not built yet" : bytes(it.unzipped_bytes);
  const change = growth(before.unzipped_bytes, it.unzipped_bytes);
  return [
    it.package && ["Zip", bytes(it.package.size_bytes)],
    ["Unzipped", unzipped],
    it.package && ["Compressed to", percent(it.package.size_bytes, it.package.unzipped_bytes)],
    change && ["Since published", change],
    ["Files", it.files.length.toLocaleString("en")],
  ].filter(Boolean);
}

function space(it, map) {
  const note = it.listed === "source" && h("p", { class: "soft" }, "Only the source is shown: what a build makes of it, or adds, is known once it was published by lambda-pack upload.");
  return [note, map ? map.element : h("p", { class: "empty" }, "No files are known yet.")].filter(Boolean);
}

function limits(it) {
  // What doesn't come of the package is shown where it is wrong.
  const ofPackage = (limit) => /bytes$|^layers$/.test(limit.name) && limit.most > 0;
  const shown = it.limits.filter((limit) => limit.status !== "pass" || ofPackage(limit));
  const amount = (limit, number) => (limit.name.endsWith("_bytes") ? bytes(number) : number.toLocaleString("en"));
  const rows = shown.map((limit) => {
    const title = LIMITS[limit.name] ?? limit.name;
    const isOver = limit.status !== "pass";
    return h("div", { class: "limit" },
      h("span", {}, title),
      meter(limit.amount, limit.most, title),
      h("span", { class: isOver ? "over-text number" : "soft number" },
        `${amount(limit, limit.amount)} of ${amount(limit, limit.most)}${isOver ? ", too much" : ""}`));
  });
  return h("div", {}, rows);
}

function files(it) {
  const isZipped = it.files.some((file) => file.compressed !== undefined);
  return list({
    label: "files",
    what: ["file"],
    rows: it.files,
    most: 15,
    sort: 1,
    empty: "No files are known yet.",
    search: (file) => `${file.path} ${file.dependency ?? ""}`,
    columns: [
      { title: "Path", class: "name mono", cell: (file) => file.path, value: (file) => file.path },
      { title: "Size", number: true, cell: (file) => bytes(file.size), value: (file) => file.size },
      isZipped && { title: "In the zip", number: true, cell: (file) => (file.compressed === undefined ? "" : bytes(file.compressed)), value: (file) => file.compressed ?? 0 },
      isZipped && { title: "Compressed to", number: true, class: "less", cell: (file) => (file.size && file.compressed !== undefined ? percent(file.compressed, file.size) : ""), value: (file) => (file.size ? (file.compressed ?? 0) / file.size : 0) },
      { title: "Dependency", class: "less", cell: (file) => file.dependency ?? "", value: (file) => file.dependency ?? "" },
    ].filter(Boolean),
  });
}

function dependencies(it) {
  return list({
    label: "dependencies",
    what: ["dependency", "dependencies"],
    rows: it.dependencies,
    most: 15,
    sort: it.dependencies.some((row) => row.size) ? 2 : 0,
    empty: "None: this package holds nothing of others, as far as lock files, metadata and paths tell.",
    search: (row) => [row.name, ...row.versions, ...row.licenses].join(" "),
    columns: [
      { title: "Name", class: "name", cell: (row) => row.name, value: (row) => row.name },
      { title: "Version", cell: (row) => row.versions.join(", "), value: (row) => row.versions.join(", ") },
      { title: "Size", number: true, cell: (row) => (row.files ? bytes(row.size) : ""), value: (row) => row.size },
      { title: "Files", number: true, class: "less", cell: (row) => (row.files ? row.files.toLocaleString("en") : ""), value: (row) => row.files },
      { title: "Licence", class: "wide less", cell: (row) => row.licenses.join(", "), value: (row) => row.licenses.join(", ") },
    ],
  });
}

function sharedWith(data, it) {
  const groups = data.shared.groups.filter((group) => group.functions.includes(it.name));
  if (!groups.length) return [h("p", { class: "empty" }, "No file of it is in another function, byte for byte.")];
  return [
    ...groups.slice(0, 3).map((group) => sharedGroup(group, it.name)),
    groups.length > 3 && h("p", {}, h("a", { href: "#shared" }, `${count(groups.length - 3, "more group")} of shared files`)),
  ].filter(Boolean);
}

function published(it) {
  if (!it.history.length) return [h("p", { class: "empty" }, it.status === "new" ? "Nothing was published yet: lambda-pack upload does." : "It was left out of this report.")];
  return [
    h("ol", { class: "history" }, it.history.map((past, index) => {
      const before = it.history[index + 1];
      const change = growth(before?.unzipped_bytes, past.unzipped_bytes);
      return h("li", {},
        h("time", { datetime: past.published }, `${minutes(past.published)} UTC`),
        h("div", { class: "what" },
          h("div", {}, past.reason || "the same entries"),
          h("div", { class: "soft" }, h("code", {}, past.source_hash.slice(0, 16))),
          changes(past)),
        h("div", { class: "number" },
          h("div", {}, past.unzipped_bytes === null ? "" : bytes(past.unzipped_bytes)),
          h("div", { class: "soft" }, change)));
    })),
    it.older > 0 && h("p", { class: "soft" }, `${count(it.older, "older package")}: --history shows more.`),
  ].filter(Boolean);
}

function changes(past) {
  if (past.changes.length < 2) return null;
  const rows = past.changes.map((change) =>
    h("li", {}, h("span", { class: "soft" }, `${change.change} `), h("code", {}, change.path), " ",
      h("span", { class: "soft" }, growth(change.size_before ?? 0, change.size_after ?? 0))));
  if (past.more_changes) rows.push(h("li", { class: "soft" }, `and ${count(past.more_changes, "more")}`));
  return h("details", {}, h("summary", {}, count(past.changes.length + past.more_changes, "entry", "entries")), h("ul", { class: "plain" }, rows));
}
