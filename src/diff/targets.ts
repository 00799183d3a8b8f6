/** Which fields are cleared because the mappings no longer name them. */
import { pathsConflict, pathSegments } from '../mapping/paths.ts';
import { topDigits } from './field-hashes.ts';

/** Targets of a stream's mappings; undefined where every column goes to the field of its own name. */
export type MappedTargets = readonly string[] | undefined;

/** Identities tell which user it is: a mapping that no longer names one does not ask to clear it. */
const NEVER_CLEARED = ['email', 'userId'];

export class TargetHistory {
  readonly #own: MappedTargets;
  readonly #others: readonly MappedTargets[];
  #tops: ReadonlySet<string> | undefined;
  /** perf: most entries have the same targets, and share one array. */
  readonly #cleared = new WeakMap<readonly string[], readonly string[]>();

  /** @param others the targets of all other streams of the project */
  constructor(own: MappedTargets, others: readonly MappedTargets[]) {
    this.#own = own;
    this.#others = others;
  }

  /** Of the targets once written, those that neither this stream nor another one still writes. */
  toClear(written: readonly string[]): readonly string[] {
    if (written.length === 0 || this.#own === undefined) return NONE;
    let cleared = this.#cleared.get(written);
    if (!cleared) {
      cleared = this.#others.includes(undefined)
        ? NONE
        : written.filter((target) => !this.#isWritten(target));
      this.#cleared.set(written, cleared);
    }
    return cleared;
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

  #isWritten(target: string): boolean {
    if (NEVER_CLEARED.includes(target)) return true;
    // A part of a written target, or a whole that contains one, can't be cleared without touching it.
    if (this.#own?.some((mapped) => mapped === target || pathsConflict(mapped, target)) === true) return true;
    return this.#others.some(
      (mapped) => mapped?.some((other) => other === target || pathsConflict(other, target)) === true,
    );
  }
}

const NONE: readonly string[] = [];
