/** A fault in the text; record 1 is the header. */
export class CsvError extends Error {
  constructor(message, record) {
    super(`record ${record}: ${message}`);
    this.name = "CsvError";
  }
}

/** Yields the records of a CSV text (RFC 4180), each a list of fields. */
export function* parseRecords(text) {
  // A field, quoted or plain, and what ends it.
  const field = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  let record = [];
  let number = 1;
  let delimiter;
  while (field.lastIndex < text.length || delimiter === ",") {
    const match = field.exec(text);
    if (match === null) {
      throw new CsvError("a quote is missing or out of place", number);
    }
    const [, quoted, plain] = match;
    delimiter = match[3];
    record.push(quoted?.replaceAll('""', '"') ?? plain);
    if (delimiter !== ",") {
      yield record;
      record = [];
      number += 1;
    }
  }
}

/** Turns a CSV text with a header into a list of objects. */
export function parseObjects(text, maxRows) {
  const records = parseRecords(text.replace(/^\uFEFF/, ""));
  const header = records.next().value ?? [];
  if (new Set(header).size < header.length) {
    throw new CsvError("a column name comes twice", 1);
  }
  const rows = [];
  for (const record of records) {
    const number = rows.length + 2;
    if (record.length !== header.length) {
      throw new CsvError(
        `expected ${header.length} fields, found ${record.length}`,
        number,
      );
    }
    if (rows.length === maxRows) {
      throw new CsvError(`more than ${maxRows} rows`, number);
    }
    rows.push(
      Object.fromEntries(header.map((name, column) => [name, record[column]])),
    );
  }
  return rows;
}
