/**
 * The baseline: the minimal program that would do the job if nothing ever went wrong: lines → JSON → bulk bodies → calls. No
 * checks, no retries, no ordering, no states. Arguments: the URL of the server, users per call, and calls in flight.
 */
import { Agent, request } from 'node:http';

const [url = '', batchSize, maxInFlight] = process.argv.slice(2);
const MAX_USERS = Number(batchSize);
const MAX_IN_FLIGHT = Number(maxInFlight);
const agent = new Agent({ keepAlive: true });
let users: string[] = [];
let inFlight = 0;
let onAnswer: (() => void) | undefined;

interface Row {
  readonly email: string;
  signed_up_at: string;
}

let rest = '';
for await (const text of process.stdin.setEncoding('utf8') as AsyncIterable<string>) {
  const lines = (rest + text).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const message = JSON.parse(line) as { type: string; record: { data: Row } };
    if (message.type !== 'RECORD') continue;
    const { email, ...dataFields } = message.record.data;
    dataFields.signed_up_at = `${dataFields.signed_up_at.slice(0, 19).replace('T', ' ')} +00:00`;
    users.push(JSON.stringify({ email, mergeNestedObjects: true, dataFields }));
    if (users.length < MAX_USERS) continue;
    send();
    while (inFlight >= MAX_IN_FLIGHT) await new Promise<void>((resolve) => (onAnswer = resolve));
  }
}
if (users.length > 0) send();
while (inFlight > 0) await new Promise<void>((resolve) => (onAnswer = resolve));
agent.destroy();

function send(): void {
  const body = `{"users":[${users.join(',')}],"createNewFields":true}`;
  users = [];
  inFlight++;
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const call = request(`${url}/api/users/bulkUpdate`, { method: 'POST', agent, headers }, (response) => {
    response.resume().on('end', () => {
      inFlight--;
      onAnswer?.();
    });
  });
  call.end(body);
}
