/** Which user fields a plan writes that the project does not have: a field's first value fixes its type for good. */
import type { KnownFields } from '../mapping/fields.ts';

export class NewFields {
  readonly #known = new Set<string>();
  readonly #found = new Set<string>();

  /** The fields that the project has. */
  learn(known: KnownFields): void {
    for (const field of known.keys()) this.#known.add(topOf(field));
  }

  note(dataFields: Readonly<Record<string, unknown>>): void {
    for (const field of Object.keys(dataFields)) {
      // Null creates nothing.
      if (dataFields[field] !== null && !this.#known.has(field) && !IDENTITIES.includes(field))
        this.#found.add(field);
    }
  }

  /** Top-level names, sorted. */
  get names(): string[] {
    return [...this.#found].sort();
  }
}

const IDENTITIES = ['email', 'userId'];

function topOf(field: string): string {
  return field.split('.')[0] ?? field;
}
