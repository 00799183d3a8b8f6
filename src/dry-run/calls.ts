/** Which calls a dry run counts, and the minimum time that they would take. */
import { Caller, type CallerOptions } from '../delivery/caller.ts';
import type { Operation } from '../iterable/client.ts';
import { ENDPOINTS, type Endpoint } from '../iterable/endpoints.ts';

export interface EndpointCalls {
  readonly endpoint: string;
  readonly method: Endpoint['method'];
  readonly calls: number;
  readonly requestsPerSecond: number;
}

const LIST_ENDPOINTS: ReadonlySet<Endpoint> = new Set([ENDPOINTS.subscribe, ENDPOINTS.unsubscribe]);

interface Count {
  readonly endpoint: Endpoint;
  /** Without those for lists. */
  calls: number;
  /** The users of each list, by its id, of an endpoint that changes lists. */
  readonly usersOfLists: Map<number, number>;
}

export class PlannedCalls {
  /** Calls of one phase run concurrently. The first phase is the records, the second the removals of rows missing from a snapshot. */
  readonly #phases = [new Map<string, Count>()];
  readonly #rateOf: (endpoint: Endpoint) => number;
  readonly #usersPerCall: number;

  /** @param usersPerCall of calls that change lists */
  constructor(rateOf: (endpoint: Endpoint) => number, usersPerCall: number) {
    this.#rateOf = rateOf;
    this.#usersPerCall = usersPerCall;
  }

  count(endpoint: Endpoint): void {
    this.#countOf(endpoint).calls++;
  }

  /**
   * Counts users of one list, from whom follow its calls: `write` fills each of them before it makes it, while a dry run, which
   * waits for nothing, makes calls of any size.
   */
  countListUsers(endpoint: Endpoint, listId: number, users: number): void {
    const { usersOfLists } = this.#countOf(endpoint);
    usersOfLists.set(listId, (usersOfLists.get(listId) ?? 0) + users);
  }

  /** Starts a new phase: later calls run after the calls counted so far. */
  beginPhase(): void {
    this.#phases.push(new Map());
  }

  get byEndpoint(): EndpointCalls[] {
    const sums = new Map<string, EndpointCalls>();
    for (const phase of this.#phases) {
      for (const [name, count] of phase) {
        const { endpoint } = count;
        sums.set(name, {
          endpoint: endpoint.name,
          method: endpoint.method,
          calls: (sums.get(name)?.calls ?? 0) + this.#callsOf(count),
          requestsPerSecond: this.#rateOf(endpoint),
        });
      }
    }
    return [...sums.values()].sort((a, b) => b.calls / b.requestsPerSecond - a.calls / a.requestsPerSecond);
  }

  /** The minimum duration. Calls of one endpoint share its rate limit; different endpoints run in parallel. */
  get leastSeconds(): number {
    return this.#phases.reduce(
      (sum, phase) =>
        sum +
        Math.max(0, ...[...phase.values()].map((one) => this.#callsOf(one) / this.#rateOf(one.endpoint))),
      0,
    );
  }

  #countOf(endpoint: Endpoint): Count {
    const phase = this.#phases.at(-1);
    const known = phase?.get(nameOf(endpoint));
    if (known) return known;
    const count: Count = { endpoint, calls: 0, usersOfLists: new Map() };
    phase?.set(nameOf(endpoint), count);
    return count;
  }

  /** For lists the least possible: full calls of each list in each direction, and a partial one. */
  #callsOf({ calls, usersOfLists }: Count): number {
    return [...usersOfLists.values()].reduce(
      (sum, users) => sum + Math.ceil(users / this.#usersPerCall),
      calls,
    );
  }
}

/** Counts calls, without retries, but for those that change lists, whose users the client counts. Paces calls that read, like any caller; simulated calls are not paced. */
export class DryRunCaller extends Caller {
  readonly #calls: PlannedCalls;

  constructor(options: CallerOptions, calls: PlannedCalls) {
    super({
      ...options,
      rateOf: (endpoint) => (endpoint.method === 'GET' ? options.rateOf(endpoint) : Infinity),
    });
    this.#calls = calls;
  }

  override call<T>(operation: Operation<T>): Promise<T> {
    if (!LIST_ENDPOINTS.has(operation.endpoint)) this.#calls.count(operation.endpoint);
    return super.call(operation);
  }
}

function nameOf({ name, method }: Endpoint): string {
  return `${method} ${name}`;
}
