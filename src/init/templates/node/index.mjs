// Greets whoever the event names.
export async function handler(event) {
  const greeting = process.env.GREETING ?? "Hello";
  return { message: `${greeting}, ${event.name ?? "world"}!` };
}
