/** A minimal stand-in for Iterable, run in a separate process: answers every call with success, and counts the bytes. */
import { createServer } from 'node:http';

const SUCCESS = JSON.stringify({
  // At least the number of users of any call.
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
    else response.end(request.method === 'GET' ? '{"fields":{}}' : SUCCESS);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : undefined);
});
process.on('disconnect', () => {
  process.exit();
});
