/** Removals by deletion that wait for their calls, or whose calls are in flight. */
import type { Task } from './task.ts';
import { touchedBy } from './touched-identities.ts';

export class DeletionTasks {
  readonly #tasks = new Set<Task>();

  /** True while {@link touch} need not be asked. */
  get isEmpty(): boolean {
    return this.#tasks.size === 0;
  }

  add(task: Task): void {
    this.#tasks.add(task);
  }

  delete(task: Task): void {
    this.#tasks.delete(task);
  }

  /** True when one of the deletions is of a user with one of these identities. */
  touch(identities: readonly string[]): boolean {
    for (const { records } of this.#tasks)
      for (const record of records)
        if (touchedBy(record).some((identity) => identities.includes(identity))) return true;
    return false;
  }
}
