/** What the terminal on stderr can do, and how texts are prepared for it. */
import { styleText } from 'node:util';

export interface Terminal {
  /** False where NO_COLOR is set. */
  readonly isColored: boolean;
  /** False on a terminal that can't move its cursor. */
  readonly canRedraw: boolean;
  /** True if messages on stdout appear on the same terminal. */
  readonly showsStdout: boolean;
  /** Its current width, in characters. */
  readonly columns: number;
}

const STYLES = ['bold', 'dim', 'green', 'red', 'yellow'] as const;
export type Colors = Readonly<Record<(typeof STYLES)[number], (text: string) => string>>;

/** Functions that style a text, or leave it unchanged. Node itself would decide by the environment and by stdout. */
export function colorsOf({ isColored }: Pick<Terminal, 'isColored'>): Colors {
  const styles = STYLES.map((style) => [
    style,
    (text: string) => (isColored ? styleText(style, text, { validateStream: false }) : text),
  ]);
  return Object.fromEntries(styles) as Colors;
}

/**
 * External text, such as a stream's name, without the control characters that would move the cursor; keeps line breaks.
 */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, '?');
}

/** 12345 as `12,345`, whatever the locale. */
export function grouped(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
