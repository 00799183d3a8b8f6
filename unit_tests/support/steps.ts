/** What stands in for the dispatcher where a stage is called by itself: it notes where the stage takes tasks. */
import { readText } from '../../src/batching/text-pages.ts';
import { isRejection, type TaskResult } from '../../src/sync/outcomes.ts';
import type { Go, Step } from '../../src/sync/steps.ts';
import type { Task } from '../../src/sync/task.ts';

/** A `go`, with the steps that it was told of. `events` has a text for each, among whatever else the test notes there. */
export function recordSteps(events: string[] = []) {
  const steps: [Task, Step][] = [];
  const go: Go = (task, step) => {
    steps.push([task, step]);
    events.push(`${nameOf(task)}: ${stepText(step)}`);
  };
  return { steps, events, go };
}

/** Whom the task is about. */
export function nameOf({ change }: Pick<Task, 'change'>): string {
  return change.kind === 'upsert' ? change.key.value : (change.email ?? change.userId ?? '');
}

/** `lists of a@x +VIP -Old, end delivered` and the like. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case 'wait':
    case 'remove':
      return step.kind;
    case 'route':
    case 'bulk':
      return `${step.isLate ? 'late ' : ''}${step.kind} ${readText(step.request)}`;
    case 'single':
      return `single call, ${step.calls}`;
    case 'conflict':
      return `conflict, ${step.rejection.reason}`;
    case 'lists': {
      const changes = step.changes.map(({ list, isOn }) => ` ${isOn ? '+' : '-'}${list}`);
      return `lists of ${step.key.value}${changes.join('')}, ${stepText(step.then)}`;
    }
    case 'end':
      return `end ${resultText(step.result)}`;
  }
}

export function resultText(result: TaskResult): string {
  if (result === undefined) return 'delivered';
  return isRejection(result) ? result.code : result;
}

/** Of what is thrown; undefined where nothing is. */
export async function failureOf(outcome: Promise<unknown>): Promise<string | undefined> {
  try {
    await outcome;
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
