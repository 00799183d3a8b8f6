/** Formats the stand-in's users as a table. */
import Table from 'cli-table3';
import type { PlainUser } from './store.ts';

/** The first `most` users, one per row, and the total number. */
export function usersTable(users: readonly PlainUser[], most: number): string {
  const shown = users.slice(0, most);
  const fields = [...new Set(shown.flatMap(({ dataFields }) => Object.keys(dataFields)))];
  const table = new Table({ head: ['email', 'userId', ...fields], style: { head: [], border: [] } });
  for (const { email = '', userId = '', dataFields } of shown) {
    table.push([
      email,
      userId,
      ...fields.map((field) => (dataFields[field] === undefined ? '' : JSON.stringify(dataFields[field]))),
    ]);
  }
  return `${table.toString()}\n${shown.length} of ${users.length} users`;
}
