/** Plain requests for the stand-in's own tests. */
import { startStandin, type Standin, type StandinOptions } from './server.ts';

/** Gives the test a stand-in without limits, unless it asks for them, and closes it afterwards. */
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

/** One request with the right key; its answer is JSON. */
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

/** users/bulkUpdate of these users, or of a body as it stands. */
export const bulk = (standin: Standin, users: unknown, rest: Record<string, unknown> = {}) =>
  call(standin, 'POST', '/api/users/bulkUpdate', typeof users === 'string' ? users : { users, ...rest });

/** The lists of failures that name somebody. */
export const failed = ({ body }: Answer) =>
  Object.fromEntries(
    Object.entries(body.failedUpdates as Record<string, string[]>).filter(([, names]) => names.length > 0),
  );

/** lists/subscribe of these users. */
export const subscribe = (standin: Standin, listId: number, subscribers: unknown, rest: object = {}) =>
  call(standin, 'POST', '/api/lists/subscribe', { listId, subscribers, ...rest });

/** lists/unsubscribe of these users, careful of the channel unless told otherwise. */
export const unsubscribe = (
  standin: Standin,
  listId: number,
  subscribers: unknown,
  rest: object = { channelUnsubscribe: false },
) => call(standin, 'POST', '/api/lists/unsubscribe', { listId, subscribers, ...rest });

/** A GET whose answer is text. */
export async function text(standin: Standin, path: string) {
  const response = await fetch(standin.url + path, { headers: { 'Api-Key': standin.apiKey } });
  return {
    status: response.status,
    type: response.headers.get('Content-Type'),
    text: await response.text(),
  };
}
