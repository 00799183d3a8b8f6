/** A simple client for the stand-in's own tests. */
import { startStandin, type Standin, type StandinOptions } from './server.ts';

/** Runs the test with a stand-in, by default without rate limits, and closes it afterwards. */
export async function withStandin(
  options: StandinOptions,
  test: (standin: Standin) => Promise<void>,
): Promise<void> {
  const standin = await startStandin({ limitScale: Infinity, ...options });
  try {
    await test(standin);
  } finally {
    await standin.close();
  }
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Sends one request with the right key; parses the JSON answer. */
export async function call(
  standin: Standin,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(standin.url + path, {
    method,
    headers: { 'Api-Key': standin.apiKey, 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Calls users/bulkUpdate with these users, or with a text as the body. */
export const bulk = (standin: Standin, users: unknown, rest: Record<string, unknown> = {}) =>
  call(standin, 'POST', '/api/users/bulkUpdate', typeof users === 'string' ? users : { users, ...rest });

/** The non-empty lists of failed users. */
export const failed = ({ body }: Answer) =>
  Object.fromEntries(
    Object.entries(body.failedUpdates as Record<string, string[]>).filter(([, names]) => names.length > 0),
  );

/** Calls lists/subscribe with these users. */
export const subscribe = (standin: Standin, listId: number, subscribers: unknown, rest: object = {}) =>
  call(standin, 'POST', '/api/lists/subscribe', { listId, subscribers, ...rest });

/** Calls lists/unsubscribe with these users; by default without unsubscribing them from the channel. */
export const unsubscribe = (
  standin: Standin,
  listId: number,
  subscribers: unknown,
  rest: object = { channelUnsubscribe: false },
) => call(standin, 'POST', '/api/lists/unsubscribe', { listId, subscribers, ...rest });

/** Sends a GET; returns the answer as text. */
export async function text(standin: Standin, path: string) {
  const response = await fetch(standin.url + path, { headers: { 'Api-Key': standin.apiKey } });
  return {
    status: response.status,
    type: response.headers.get('Content-Type'),
    text: await response.text(),
  };
}
