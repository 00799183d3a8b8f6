/** Dates as Iterable stores them. Strict: an impossible date is not a date. */

const DATE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(?: ?(Z|UTC|[+-]\d{2}(?::?\d{2})?))?)?$/i;
/** The format of nearly all dates, which is converted without taking it apart. */
const ISO_IN_UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
/** Real time zones range from -12:00 to +14:00; parsers of ISO 8601 commonly accept up to 18 hours. */
const MAX_OFFSET_HOURS = 18;

/**
 * `yyyy-MM-dd`, optionally with a time and a zone (ISO 8601, or with a space for the T) → `yyyy-MM-dd HH:mm:ss +00:00`,
 * the format in which Iterable returns dates. No zone means UTC; fractions of a second are dropped. Undefined for
 * anything else, and for moments outside the years 0001 to 9999.
 */
export function toIterableDate(text: string): string | undefined {
  if (ISO_IN_UTC.test(text) && isMomentOfDay(text)) {
    const year = 100 * twoDigits(text, 0) + twoDigits(text, 2);
    return year > 0 && isDay(year, twoDigits(text, 5), twoDigits(text, 8)) ? written(text) : undefined;
  }
  const parts = partsOf(text.trim());
  return parts && momentOf(parts);
}

/** The first day of the calendar in many programs, which write it for no date. */
const FIRST_DAY = '0001-01-01';
const EPOCH = '1970-01-01 00:00:00 +00:00';
/** Years after 9999, as JavaScript and Java write them, and years before 0, as PHP does. */
const BEYOND_CALENDAR = /^(?:-\d{4,6}|\+0?[1-9]\d{4,5})-\d{2}-\d{2}(?:[T ]|$)/;
/** MySQL's zero date. */
const ZERO_DATE = /^0000-00-00(?:[T ]|$)/i;

/**
 * Whether a date, in the formats of {@link toIterableDate}, is a placeholder for no date: a zero date (`0000-00-00…`,
 * the epoch, 0001-01-01), or a date of the year 9999, which means never. It may have been converted to another time
 * zone. Undefined for text that is not a date.
 */
export function isPlaceholderDate(text: string): boolean | undefined {
  if (ZERO_DATE.test(text) || BEYOND_CALENDAR.test(text)) return true;
  const parts = partsOf(text);
  if (!parts) return undefined;
  const moment = momentOf(parts);
  // Valid dates outside the years 0001 to 9999 can only be placeholders.
  if (moment === undefined || parts.year === 9999 || parts.local.startsWith(FIRST_DAY)) return true;
  return moment === EPOCH || moment.startsWith(FIRST_DAY) || moment.startsWith('9999');
}

interface DateParts {
  readonly year: number;
  /** `yyyy-MM-ddTHH:mm:ss`, in the local time of its zone. */
  readonly local: string;
  readonly minutesAhead: number;
}

/** The moment in UTC, in Iterable's format; undefined outside the years 0001 to 9999. */
function momentOf({ year, local, minutesAhead }: DateParts): string | undefined {
  if (year < 1) return undefined;
  return minutesAhead === 0 ? written(local) : inUtc(local, minutesAhead);
}

/** Undefined for a day or a time that does not exist. The year 0 does exist. */
function partsOf(text: string): DateParts | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [, year = '', month = '', day = '', hour = '00', minute = '00', second = '00', zone] = match;
  if (!isDay(Number(year), Number(month), Number(day))) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const minutesAhead = zone === undefined ? 0 : offsetMinutes(zone);
  if (minutesAhead === undefined) return undefined;
  return { year: Number(year), local: `${year}-${month}-${day}T${hour}:${minute}:${second}`, minutesAhead };
}

/** Whether the time of day exists; the text has the right format. */
function isMomentOfDay(iso: string): boolean {
  return twoDigits(iso, 11) <= 23 && twoDigits(iso, 14) <= 59 && twoDigits(iso, 17) <= 59;
}

const ZERO = 48;

/** The two-digit number at this index. perf ("Less garbage" in docs/performance.md): without a substring for each of them. */
function twoDigits(text: string, at: number): number {
  return 10 * (text.charCodeAt(at) - ZERO) + text.charCodeAt(at + 1) - ZERO;
}

/** The same moment in UTC. */
function inUtc(local: string, minutesAhead: number): string | undefined {
  const utc = new Date(Date.parse(`${local}Z`) - minutesAhead * 60_000);
  const year = utc.getUTCFullYear();
  return year < 1 || year > 9999 ? undefined : written(utc.toISOString());
}

function written(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} +00:00`;
}

function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  return day <= (month === 2 && isLeapYear(year) ? 29 : (DAYS_IN_MONTH[month - 1] as number));
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function offsetMinutes(zone: string): number | undefined {
  if (zone.length === 1 || /^utc$/i.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = zone.length > 3 ? Number(zone.slice(-2)) : 0;
  if (hours > MAX_OFFSET_HOURS || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
