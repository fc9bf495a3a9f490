// Calls a Lambda handler once, as Lambda's runtime for Node.js does; lambda-pack speaks the other end of the Runtime API.

import { existsSync } from "node:fs";
import { request } from "node:http";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const env = process.env;

// Not `fetch`, which a handler may replace.
function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const url = `http://${env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/${path}`;
    const sent = request(url, { method, headers, agent: false }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function failed(path, error) {
  const known = error instanceof Error;
  const lines = known && error.stack ? error.stack.split("\n").slice(1).map((line) => line.trim()) : [];
  // Frames of this file say nothing to who wrote the handler.
  const stackTrace = lines.filter((line) => !line.includes(import.meta.url));
  const errorMessage = known ? error.message : String(error);
  return call("POST", path, JSON.stringify({ errorType: known ? error.name : typeof error, errorMessage, stackTrace }));
}

// `dir/file.name`, or `dir/file.object.name`.
async function load(handler) {
  const [file, ...names] = basename(handler).split(".");
  const start = join(env.LAMBDA_TASK_ROOT, dirname(handler), file);
  const found = [".js", ".mjs", ".cjs"].map((end) => start + end).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`no ${join(dirname(handler), file)}.js, .mjs or .cjs is in the package`);
  const module = await import(pathToFileURL(found));
  const reach = (from) => names.reduce((place, name) => place?.[name], from);
  const loaded = reach(module) ?? reach(module.default);
  if (typeof loaded !== "function") throw new Error(`${handler} is no function`);
  return loaded;
}

// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    callbackWaitsForEmptyEventLoop: true,
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function invoke(handler, event, context) {
  return new Promise((resolve, reject) => {
    const returned = handler(event, context, (error, answer) => (error ? reject(error) : resolve(answer)));
    if (typeof returned?.then === "function") returned.then(resolve, reject);
    // Who returns no promise answers by the callback, or never.
    else process.once("beforeExit", () => resolve(undefined));
  });
}

let place = "init/error";
async function crashed(error) {
  await failed(place, error);
  process.exit(1);
}
// What is thrown outside of the handler's promise.
process.on("uncaughtException", crashed);
process.on("unhandledRejection", crashed);

try {
  const handler = await load(env._HANDLER);
  const next = await call("GET", "invocation/next");
  const invocation = `invocation/${next.headers["lambda-runtime-aws-request-id"]}`;
  place = `${invocation}/error`;
  const answer = await invoke(handler, JSON.parse(next.body), contextOf(next.headers));
  await call("POST", `${invocation}/response`, JSON.stringify(answer === undefined ? null : answer));
} catch (error) {
  await crashed(error);
}
process.exit(0);
