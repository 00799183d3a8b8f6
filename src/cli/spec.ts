/** `spec`: prints what can be configured. Needs no configuration, network or writable disk. */
import { loadSpec } from '../config/spec.ts';
import type { CommandContext } from './context.ts';

export async function runSpec({ writer }: CommandContext): Promise<number> {
  await writer.spec(loadSpec());
  return 0;
}
