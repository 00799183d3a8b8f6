/** The answers of handlers, and functions to build common ones. */

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Sent piece by piece, so that a long answer is never in memory as a whole. */
export interface TextAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly pieces: Iterable<string>;
}

export type Answer = JsonAnswer | TextAnswer;

/** Keeps the digits of numbers beyond 2^53. Needs a Node with JSON.rawJSON (22 or later). */
export function toJson(value: unknown): string {
  const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };
  return JSON.stringify(value, (_key, child: unknown) =>
    typeof child === 'bigint' ? rawJSON(child.toString()) : child,
  );
}

export function success(): JsonAnswer {
  return { status: 200, body: { msg: '', code: 'Success', params: null } };
}

export function failure(status: number, code: string, msg: string, params: unknown = null): JsonAnswer {
  return { status, body: { msg, code, params } };
}
