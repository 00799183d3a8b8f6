/** Which fields are cleared because the mappings no longer name them. */
import { pathsAbove, pathSegments } from '../mapping/paths.ts';
import { topDigits } from './field-hashes.ts';

/** Targets of a stream's mappings; undefined where every column goes to the field of its own name. */
export type MappedTargets = readonly string[] | undefined;

/** Identities tell which user it is: a mapping that no longer names one does not ask to clear it. */
const NEVER_CLEARED = ['email', 'userId'];

/**
 * What the mappings of all streams of a project write. perf ("Many streams" in docs/performance.md): one for all of them, since each
 * stream has thousands of others.
 */
export class ProjectTargets {
  readonly #targets = new Set<string>();
  /** What contains a target. */
  readonly #wholes = new Set<string>();
  /** A stream without mappings may write any field. */
  readonly #writesAny: boolean;
  /** perf: most entries have the same targets, and share one array. */
  readonly #cleared = new WeakMap<readonly string[], readonly string[]>();

  /** @param streams the targets of every stream of the project */
  constructor(streams: readonly MappedTargets[]) {
    this.#writesAny = streams.includes(undefined);
    for (const target of streams.flatMap((targets) => targets ?? [])) {
      this.#targets.add(target);
      for (const whole of pathsAbove(target)) this.#wholes.add(whole);
    }
  }

  /** Of the targets once written, those that no stream writes any more. */
  toClear(written: readonly string[]): readonly string[] {
    if (written.length === 0 || this.#writesAny) return NONE;
    let cleared = this.#cleared.get(written);
    if (!cleared) {
      cleared = written.filter((target) => !this.#isWritten(target));
      this.#cleared.set(written, cleared);
    }
    return cleared;
  }

  #isWritten(target: string): boolean {
    if (NEVER_CLEARED.includes(target)) return true;
    // A part of a written target, or a whole that contains one, can't be cleared without touching it.
    return (
      [target, ...pathsAbove(target)].some((path) => this.#targets.has(path)) || this.#wholes.has(target)
    );
  }
}

/** What a stream's mappings write, and what of its entries' fields follows. */
export class TargetHistory {
  readonly #own: MappedTargets;
  readonly #project: ProjectTargets;
  #tops: ReadonlySet<string> | undefined;

  constructor(own: MappedTargets, project: ProjectTargets) {
    this.#own = own;
    this.#project = project;
  }

  /** Of the targets once written, those that neither this stream nor another one still writes. */
  toClear(written: readonly string[]): readonly string[] {
    return this.#project.toClear(written);
  }

  /** The targets of the entry once these values are written, too, sorted. */
  after(written: readonly string[], values: Iterable<string>): readonly string[] {
    const own = this.#own;
    if (own === undefined) return NONE;
    const targets = new Set(values);
    if (targets.size === written.length && written.every((target) => targets.has(target))) return written;
    for (const target of written) if (own.includes(target)) targets.add(target);
    return [...targets].sort();
  }

  /** Whether the stream's mappings write anything of a top-level field, which {@link topDigits} stands for. */
  writesTop(digits: string): boolean {
    if (this.#own === undefined) return true;
    this.#tops ??= new Set(this.#own.map((target) => topDigits(pathSegments(target)[0] ?? '')));
    return this.#tops.has(digits);
  }
}

const NONE: readonly string[] = [];
