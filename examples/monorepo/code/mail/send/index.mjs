export const handler = async (event) => ({ sent: event.to.length });
