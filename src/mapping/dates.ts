/** Dates as Iterable stores them. Strict: an impossible date is no date. */

const DATE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(?: ?(Z|UTC|[+-]\d{2}(?::?\d{2})?))?)?$/i;

/**
 * `yyyy-MM-dd`, optionally with a time and a zone (ISO 8601, or with a blank for the T) → `yyyy-MM-dd HH:mm:ss +00:00`, the
 * form in which Iterable returns dates. No zone means UTC; fractions of a second are cut. Undefined for anything else.
 */
export function toIterableDate(text: string): string | undefined {
  const match = DATE.exec(text.trim());
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part: string | undefined) => Number(part ?? 0));
  if (year < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day) return undefined;
  const offset = offsetMinutes(match[7]);
  if (offset === undefined) return undefined;
  at.setUTCHours(hour, minute - offset, second);
  if (at.getUTCFullYear() < 1 || at.getUTCFullYear() > 9999) return undefined;
  const [date = '', time = ''] = at.toISOString().split('T');
  return `${date} ${time.slice(0, 8)} +00:00`;
}

function offsetMinutes(zone: string | undefined): number | undefined {
  if (zone === undefined || /^(z|utc)$/i.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  if (hours > 18 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
