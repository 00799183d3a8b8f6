/** The project's user fields. The first value of a field fixes its type. */
import { isDateText, isObject, normaliseDate, typeOfScalar, type NumberText, type Value } from './values.ts';

export interface Mismatch {
  readonly field: string;
  readonly expectedType: string;
  readonly incomingType: string;
  readonly value: Value;
}

export class Fields {
  readonly types = new Map<string, string>();

  constructor(initial: Readonly<Record<string, string>>) {
    this.types.set('email', 'string').set('userId', 'string');
    for (const [field, type] of Object.entries(initial)) this.types.set(field, type);
  }

  /** Returns all values of a wrong type with their dotted fields. */
  mismatches(value: Value, path = ''): Mismatch[] {
    if (value === null) return [];
    if (Array.isArray(value)) return value.flatMap((element) => this.mismatches(element, path));
    const known = this.types.get(path);
    if (isObject(value)) {
      const own = path !== '' && known !== undefined && !['object', 'nested', 'geo_location'].includes(known);
      if (own) return [{ field: path, expectedType: known, incomingType: 'object', value }];
      return Object.entries(value).flatMap(([key, child]) =>
        this.mismatches(child, path === '' ? key : `${path}.${key}`),
      );
    }
    if (known === undefined || fits(value, known)) return [];
    return [{ field: path, expectedType: known, incomingType: typeOfScalar(value), value }];
  }

  /** The dotted fields of the value that the project does not have, parents included. */
  unknown(value: Value, path = ''): string[] {
    const own = path !== '' && value !== null && !this.types.has(path) ? [path] : [];
    if (Array.isArray(value))
      return [
        ...new Set([...own, ...value.filter(isObject).flatMap((element) => this.unknown(element, path))]),
      ];
    if (!isObject(value)) return own;
    return [
      ...own,
      ...Object.entries(value).flatMap(([key, child]) =>
        this.unknown(child, path === '' ? key : `${path}.${key}`),
      ),
    ];
  }

  /** Fixes the types of new fields. */
  learn(value: Value, path = ''): void {
    if (value === null) return;
    if (Array.isArray(value)) {
      for (const element of value) this.learn(element, path);
      return;
    }
    if (path !== '' && !this.types.has(path))
      this.types.set(path, isObject(value) ? 'object' : typeOfScalar(value));
    if (isObject(value))
      for (const [key, child] of Object.entries(value))
        this.learn(child, path === '' ? key : `${path}.${key}`);
  }

  /** The value as Iterable stores it: values of date fields are normalised. */
  stored(value: Value, path: string): Value {
    if (Array.isArray(value)) return value.map((element) => this.stored(element, path));
    if (isObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, child]) => [key, this.stored(child, `${path}.${key}`)]),
      );
    }
    // A new field gets its type from this value.
    const isDate = typeof value === 'string' && (this.types.get(path) ?? typeOfScalar(value)) === 'date';
    return isDate ? normaliseDate(value) : value;
  }
}

function fits(value: boolean | string | NumberText, known: string): boolean {
  const type = typeOfScalar(value);
  if (known === 'string') return typeof value === 'string';
  if (known === 'date') return typeof value === 'string' && isDateText(value);
  return type === known || (type === 'long' && known === 'double');
}
