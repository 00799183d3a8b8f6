/** The screen that stderr is, when a person looks at it: what it can do, and how texts are made fit for it. */
import pc from 'picocolors';

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

export type Colors = ReturnType<typeof pc.createColors>;

/** Functions that color a text, or leave it alone. picocolors itself would judge by stdout. */
export function colorsOf({ isColored }: Pick<Terminal, 'isColored'>): Colors {
  return pc.createColors(isColored);
}

/** A text of somebody else's (a stream's name, say) without the control characters that would move the cursor; keeps line breaks. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, '?');
}

/** 12345 as `12,345`, wherever the machine stands. */
export function grouped(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
