/** Stands where Iterable does, in a process of its own, and costs as little as can be: says yes to every call, and counts the bytes. */
import { createServer } from 'node:http';

const YES = JSON.stringify({
  // At least as many as any call has users.
  successCount: 1000,
  failCount: 0,
  createdFields: [],
  filteredOutFields: [],
  invalidEmails: [],
  invalidUserIds: [],
});
let bytes = 0;

const server = createServer((request, response) => {
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('end', () => {
    response.setHeader('Content-Type', 'application/json');
    if (request.url === '/bytes') response.end(String(bytes));
    else response.end(request.method === 'GET' ? '{"fields":{}}' : YES);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : undefined);
});
process.on('disconnect', () => {
  process.exit();
});
