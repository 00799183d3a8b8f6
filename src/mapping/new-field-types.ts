/**
 * The types of fields that the project does not have yet. Iterable permanently gives such a field the type of its first
 * value, so a sync decides the type once, for all streams: a fraction among the pending numbers makes it a double, else
 * the first value decides. Later values are converted to that type, as they will be once the project has the field.
 */
import { ExactNumber, isJsonObject, type JsonObject, type JsonValue, type RawJson } from '../json.ts';
import { coercionTo, expectation, kindOf, Refusal } from './coerce.ts';
import { toIterableDate } from './dates.ts';
import { toDouble, toLong } from './numbers.ts';
import type { MappingType } from './options.ts';

/** Far more than a project can have. Limits the memory for a source whose leaves are named after its data. */
const MAX_FIELDS = 10_000;

/** Dotted path → what is known about the field. */
export class NewFieldTypes {
  readonly #fields = new Map<string, NewField>();
  /** The fields whose type the current record has decided, as they were before, so that this can be undone. */
  readonly #before: { readonly field: NewField; readonly type: MappingType | undefined; isOpen: boolean }[] =
    [];
  /** Whether any value has been a {@link WaitingNumber}: in most syncs none has. */
  hasWaiting = false;
  #hasText = false;

  /** The field of this dotted path, which must be new to the project; undefined if there are too many. */
  at(path: string): NewField | undefined {
    let field = this.#fields.get(path);
    if (!field && this.#fields.size < MAX_FIELDS) {
      field = new NewField(path, this);
      this.#fields.set(path, field);
    }
    return field;
  }

  /**
   * Ends the mapping of a record. A record that is not sent, or that Iterable certainly refuses, must not decide any
   * types, so what it decided is undone.
   */
  endRecord(isTaken: boolean): void {
    if (this.#before.length === 0) return;
    if (!isTaken) for (const { field, type, isOpen } of this.#before.reverse()) field.set(type, isOpen);
    this.#before.length = 0;
  }

  noteBefore(field: NewField): void {
    this.#before.push({ field, type: field.type, isOpen: field.isOpen });
  }

  noteText(): void {
    this.#hasText = true;
  }

  /**
   * Whether the values contain text for a new text field that Iterable would take for a date. If that were the first
   * text that Iterable receives, the field would become a date, which fits no other text. A call can't specify the
   * type.
   */
  mayPassForDates(values: Readonly<JsonObject>): boolean {
    if (!this.#hasText) return false;
    for (const target in values) if (this.#mayPassForDate(target, values[target])) return true;
    return false;
  }

  #mayPassForDate(path: string, value: JsonValue | undefined): boolean {
    if (typeof value === 'string')
      return this.#fields.get(path)?.type === 'string' && naturalType(value) === 'date';
    if (Array.isArray(value)) return value.some((element) => this.#mayPassForDate(path, element));
    if (!isJsonObject(value)) return false;
    for (const key in value) if (this.#mayPassForDate(`${path}.${key}`, value[key])) return true;
    return false;
  }
}

type Scalar = boolean | number | string | ExactNumber;

export class NewField {
  readonly path: string;
  readonly #all: NewFieldTypes;
  #type: MappingType | undefined;
  #isOpen = false;

  constructor(path: string, all: NewFieldTypes) {
    this.path = path;
    this.#all = all;
  }

  /** Undefined until a value decides it. */
  get type(): MappingType | undefined {
    return this.#type;
  }

  /** True for a long of which no value has been sent yet: a fraction can still make it a double. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A value is about to be sent: from now on the type is fixed. */
  close(): void {
    this.#isOpen = false;
  }

  /** For {@link NewFieldTypes}. */
  set(type: MappingType | undefined, isOpen: boolean): void {
    this.#type = type;
    this.#isOpen = isOpen;
  }

  /**
   * Takes note of a value that has this type by the configuration or the stream's schema. It decides like any other
   * value.
   */
  note(type: MappingType): void {
    if (this.#type === undefined) this.#decide(type, false);
    else if (this.#isOpen && (type === 'double' || type === 'long')) this.#decide(type, false);
  }

  /** Converts a value. If no value has decided the type before, this one does. */
  take(value: Scalar | JsonObject): JsonValue | Refusal {
    if (this.#type === undefined) {
      const type = naturalType(value);
      this.#decide(type, type === 'long');
    }
    if (this.#isOpen && !isJsonObject(value)) return this.#takeNumber(value);
    const type = this.#type as MappingType;
    const converted = coercionTo(type)(value);
    return converted instanceof Refusal ? refusalByFirst(value, type) : converted;
  }

  #takeNumber(value: Scalar): JsonValue | Refusal {
    const isNumber = typeof value === 'number' || value instanceof ExactNumber;
    if (isNumber && naturalType(value) === 'double') {
      this.#decide('double', false);
      return this.take(value);
    }
    const long = typeof value === 'boolean' ? undefined : toLong(value);
    // A fraction as text decides nothing, but it fits if the field becomes a double.
    const number = long ?? (typeof value === 'boolean' ? undefined : toDouble(value));
    if (number === undefined) return refusalByFirst(value, 'long');
    this.#all.hasWaiting = true;
    return new WaitingNumber(number, this, long !== undefined);
  }

  #decide(type: MappingType, isOpen: boolean): void {
    this.#all.noteBefore(this);
    if (type === 'string') this.#all.noteText();
    this.set(type, isOpen);
  }
}

/** A number for a field that may become a long or a double. Its notation is decided when it is sent. */
export class WaitingNumber extends ExactNumber {
  readonly field: NewField;
  readonly #isWhole: boolean;

  constructor(number: number | ExactNumber, field: NewField, isWhole: boolean) {
    super(typeof number === 'number' ? String(number) : number.text);
    this.field = field;
    this.#isWhole = isWhole;
  }

  /** Why it can't be sent, if the field keeps its current type. */
  get refusal(): Refusal | undefined {
    return this.#isWhole || this.field.type === 'double' ? undefined : refusalByFirst(this.text, 'long');
  }

  override toJSON(): RawJson {
    const isAsDouble = this.#isWhole && this.field.type === 'double';
    return isAsDouble ? new ExactNumber(`${this.text}.0`).toJSON() : super.toJSON();
  }
}

/** How much longer a {@link WaitingNumber} can become. */
export const WAITING_BYTES = '.0'.length;

/** The waiting numbers among the values, also inside of objects and arrays. */
export function waitingNumbersIn(values: Readonly<JsonObject>): WaitingNumber[] {
  const found: WaitingNumber[] = [];
  for (const target in values) collectWaiting(values[target], found);
  return found;
}

function collectWaiting(value: JsonValue | undefined, into: WaitingNumber[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof WaitingNumber) into.push(value);
  else if (Array.isArray(value)) for (const element of value) collectWaiting(element, into);
  else if (isJsonObject(value)) for (const key in value) collectWaiting(value[key], into);
}

/** The type that Iterable gives a field whose first value is this one; a number with a decimal point makes a double. */
function naturalType(value: Scalar | JsonObject): MappingType {
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'string':
      return value === value.trim() && toIterableDate(value) !== undefined ? 'date' : 'string';
    case 'number':
      return isLong(value, String(value)) ? 'long' : 'double';
    default:
      if (!(value instanceof ExactNumber)) return 'object';
      return isLong(value, value.text) ? 'long' : 'double';
  }
}

function isLong(value: number | ExactNumber, text: string): boolean {
  return !/[.e]/i.test(text) && toLong(value) !== undefined;
}

function refusalByFirst(value: JsonValue, type: MappingType): Refusal {
  return new Refusal(
    `expected ${expectation(type)}, since the field’s first value in this sync was ${type === 'boolean' ? 'that' : 'one'}, found ${kindOf(value, type)}`,
  );
}
