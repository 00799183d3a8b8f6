/** A client of Iterable without a network: its calls are noted, and answered in order. */
import { IterableClient, type Operation } from '../../src/iterable/client.ts';
import { ApiError, NoAnswerError } from '../../src/iterable/errors.ts';
import type { Call, IterableHttp } from '../../src/iterable/http.ts';

/** What Iterable answers: JSON, lines of an export, or an error. */
export type Answer = unknown;

export function aClient(...answers: Answer[]) {
  const calls: Call[] = [];
  const next = (call: Call) => {
    calls.push(call);
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const http: Pick<IterableHttp, 'send' | 'streamLines' | 'noAnswer'> = {
    send: next,
    streamLines: async (call, onLine) => {
      for (const line of (await next(call)) as string[]) onLine(line);
    },
    noAnswer: ({ name }, what) => new NoAnswerError(name, what),
  };
  return { client: new IterableClient(http as IterableHttp), calls };
}

export type Ask = (client: IterableClient) => Operation<unknown>;

/** What the operation makes of the answer, an error included. */
export async function answered(ask: Ask, answer: Answer): Promise<unknown> {
  try {
    return await ask(aClient(answer).client).attempt();
  } catch (error) {
    return error;
  }
}

/** An answer with an error status. */
export function refusal(status: number, apiCode?: string, apiMessage = '', isOfIterable = true): ApiError {
  return new ApiError('x', { status, apiCode, apiMessage, isOfIterable });
}
