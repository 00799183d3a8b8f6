/** Collects the user fields that would be created. They matter because the first value of a field fixes its type for good. */
import type { KnownFields } from '../mapping/fields.ts';

export class NewFields {
  readonly #known = new Set<string>();
  readonly #found = new Set<string>();

  /** Adds the fields that the project has. */
  learn(known: KnownFields): void {
    for (const field of known.keys()) this.#known.add(topOf(field));
  }

  note(dataFields: Readonly<Record<string, unknown>>): void {
    for (const field of Object.keys(dataFields)) {
      // A null value does not create a field.
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
