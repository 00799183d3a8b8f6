/** Which calls a dry run counts, and the minimum time that they would take. */
import { Caller, type CallerOptions } from '../delivery/caller.ts';
import type { Operation } from '../iterable/client.ts';
import type { Endpoint } from '../iterable/endpoints.ts';

export interface EndpointCalls {
  readonly endpoint: string;
  readonly method: Endpoint['method'];
  readonly calls: number;
  readonly requestsPerSecond: number;
}

interface Count {
  readonly endpoint: Endpoint;
  calls: number;
}

export class PlannedCalls {
  /** Calls of one phase run concurrently. The first phase is the records, the second the removals of rows missing from a snapshot. */
  readonly #phases = [new Map<string, Count>()];
  readonly #rateOf: (endpoint: Endpoint) => number;

  constructor(rateOf: (endpoint: Endpoint) => number) {
    this.#rateOf = rateOf;
  }

  count(endpoint: Endpoint): void {
    const phase = this.#phases.at(-1);
    const name = nameOf(endpoint);
    const known = phase?.get(name);
    if (known) known.calls++;
    else phase?.set(name, { endpoint, calls: 1 });
  }

  /** Starts a new phase: later calls run after the calls counted so far. */
  beginPhase(): void {
    this.#phases.push(new Map());
  }

  get byEndpoint(): EndpointCalls[] {
    const sums = new Map<string, EndpointCalls>();
    for (const phase of this.#phases) {
      for (const [name, { endpoint, calls }] of phase) {
        sums.set(name, {
          endpoint: endpoint.name,
          method: endpoint.method,
          calls: (sums.get(name)?.calls ?? 0) + calls,
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
        Math.max(0, ...[...phase.values()].map(({ endpoint, calls }) => calls / this.#rateOf(endpoint))),
      0,
    );
  }
}

/** Counts calls, without retries. Paces calls that read, like any caller; simulated calls are not paced. */
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
    this.#calls.count(operation.endpoint);
    return super.call(operation);
  }
}

function nameOf({ name, method }: Endpoint): string {
  return `${method} ${name}`;
}
