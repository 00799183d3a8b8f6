/** The screen that stderr is, when a person looks at it: what it can do, and how texts are made fit for it. */
import { styleText } from 'node:util';

export interface Terminal {
  /** False where NO_COLOR is set. */
  readonly isColored: boolean;
  /** False on a terminal that can't move its cursor. */
  readonly canRedraw: boolean;
  /** Messages on stdout appear on the same screen. */
  readonly showsStdout: boolean;
  /** Its width at present, in characters. */
  readonly columns: number;
}

const STYLES = ['bold', 'dim', 'green', 'red', 'yellow'] as const;
export type Colors = Readonly<Record<(typeof STYLES)[number], (text: string) => string>>;

/** Functions that style a text, or leave it alone. Node itself would judge by the environment and by stdout. */
export function colorsOf({ isColored }: Pick<Terminal, 'isColored'>): Colors {
  const styles = STYLES.map((style) => [
    style,
    (text: string) => (isColored ? styleText(style, text, { validateStream: false }) : text),
  ]);
  return Object.fromEntries(styles) as Colors;
}

/** A text of somebody else's (a stream's name, say) without the control characters that would move the cursor; keeps line breaks. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, '?');
}

/** 12345 as `12,345`, wherever the machine stands. */
export function grouped(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
