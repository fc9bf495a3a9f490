import assert from "node:assert/strict";
import { handler } from "./index.mjs";

assert.deepEqual(await handler({ to: ["ann@example.com"] }), { sent: 1 });
