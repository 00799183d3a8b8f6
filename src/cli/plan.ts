/** `plan`: a dry run of `write` on the same input; prints what `write` would do. */
import { dryRun } from '../app/dry-run.ts';
import type { Plan } from '../dry-run/plan.ts';
import { ConnectorError } from '../errors.ts';
import { appContextOf } from './app-context.ts';
import type { CommandContext, CommandPaths } from './context.ts';
import { failureText, nextStep } from './failure-text.ts';
import { planText } from './plan-text.ts';
import { print } from './print.ts';
import { colorsOf } from './terminal.ts';

export async function runPlan(context: CommandContext, paths: CommandPaths): Promise<number> {
  const { stdout, stderr, terminal, writer } = context;
  let plan: Plan;
  try {
    plan = await dryRun(appContextOf(context), paths, nextStep);
  } catch (error) {
    // At a terminal, `runProgram` shows the failure.
    if (!terminal && error instanceof ConnectorError)
      stderr.write(writer.redacted(failureText(error, colorsOf({ isColored: false }))));
    throw error;
  }
  const text = paths.json === true ? `${JSON.stringify(plan)}\n` : planText(plan);
  await print(stdout, writer.redacted(text));
  return plan.failure === null ? 0 : 1;
}
