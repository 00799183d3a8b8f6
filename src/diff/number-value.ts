/** One text for one number, however it is written: 5, 5.0 and 5e0 are the same value. */

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;

/** The text that JavaScript gives the number of a JSON text, where it has it exactly; else digits and an exponent. */
export function numberValue(text: string): string {
  const exact = digitsAndExponent(text);
  const asWritten = JSON.stringify(Number(text));
  return exact === undefined || digitsAndExponent(asWritten) === exact ? asWritten : exact;
}

function digitsAndExponent(text: string): string | undefined {
  const match = NUMBER.exec(text);
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
