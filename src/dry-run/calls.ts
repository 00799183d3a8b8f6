/** Which calls a plan comes to, and the least time that they take. */
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
  /** What goes side by side: the records, and then the removals by absence. */
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

  /** What is counted from now on comes after what was counted until now. */
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

  /** Calls of one endpoint wait for each other, those of different ones do not. */
  get leastSeconds(): number {
    return this.#phases.reduce(
      (sum, phase) =>
        sum +
        Math.max(0, ...[...phase.values()].map(({ endpoint, calls }) => calls / this.#rateOf(endpoint))),
      0,
    );
  }
}

/** Paces what reads, as any caller; what is only simulated takes no time. Counts a call once, however often it is tried. */
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
