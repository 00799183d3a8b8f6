/** People as a plan shows them: enough to recognise one's own row, not enough to learn an address or id. */
import type { UserKey } from '../model.ts';

/** Longer last parts of a domain say more than `com` or `museum`. */
const MAX_SUFFIX = 6;

/** `ada@example.com` as `a***@e***.com`, `4711` as `4***`. */
export function masked({ value }: Pick<UserKey, 'value'>): string {
  const at = value.lastIndexOf('@');
  if (at < 0) return `${firstOf(value)}***`;
  const domain = value.slice(at + 1);
  const dot = domain.lastIndexOf('.');
  const suffix = dot < 0 ? '' : domain.slice(dot);
  const isPlain = /^\.[a-z]+$/i.test(suffix) && suffix.length - 1 <= MAX_SUFFIX;
  return `${firstOf(value.slice(0, at))}***@${firstOf(domain)}***${isPlain ? suffix : ''}`;
}

/** A whole character, and none that would move a cursor. */
function firstOf(text: string): string {
  const [first = ''] = text;
  return /\p{Cc}/u.test(first) ? '' : first;
}
