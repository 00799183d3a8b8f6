/** One text for one number, however it is written: 5, 5.0 and 5e0 are the same value. */
import { ExactNumber } from '../json.ts';
import { canonicalNumber } from '../mapping/numbers.ts';

/** The text that JavaScript gives the number of a JSON text, where it has it exactly; else that of {@link canonicalNumber}. */
export function numberValue(text: string): string {
  const number = Number(text);
  const exact = canonicalNumber(new ExactNumber(text));
  return canonicalNumber(number) === exact ? JSON.stringify(number) : exact;
}
