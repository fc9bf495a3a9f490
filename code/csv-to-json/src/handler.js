import { CsvError, parseObjects } from "./csv.js";

const MAX_ROWS = Number(process.env.MAX_ROWS ?? 10_000);

function respond(statusCode, body) {
  return {
    statusCode,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}

/** An HTTP request with a CSV body (payload format 2.0) -> its rows as JSON. */
export async function handler(event) {
  const body = event.body ?? "";
  const text = event.isBase64Encoded
    ? Buffer.from(body, "base64").toString("utf8")
    : body;
  try {
    return respond(200, parseObjects(text, MAX_ROWS));
  } catch (error) {
    if (error instanceof CsvError) {
      return respond(400, { error: error.message });
    }
    throw error;
  }
}
