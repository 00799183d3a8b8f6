/** The CPU time of a Postgres server: its main process, its child processes, and those that have ended. Only on Linux. */
import { readdirSync, readFileSync } from 'node:fs';
import type { PostgresServer } from '../support/postgres.ts';

/** USER_HZ, which is 100 on all systems that Node supports. */
const TICKS_PER_SECOND = 100;

/** Undefined if it is not available. */
export async function serverCpuSeconds(server: PostgresServer, url: string): Promise<number | undefined> {
  const [row] = await server.query<{ text: string }>(url, `SELECT pg_read_file('postmaster.pid') AS text`);
  const postmaster = Number(row?.text.split('\n')[0]);
  try {
    let ticks = 0;
    for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const stat = statOf(name);
      if (stat?.pid === postmaster) ticks += stat.own + stat.ofEnded;
      else if (stat?.parent === postmaster) ticks += stat.own;
    }
    return ticks / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

function statOf(pid: string): { pid: number; parent: number; own: number; ofEnded: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // The process has ended meanwhile.
    return undefined;
  }
  // The process name may contain spaces and parentheses, so parsing starts after it. See proc(5): state, ppid, … utime, stime, cutime, cstime.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (field: number) => Number(fields[field - 3]);
  return { pid: Number(pid), parent: at(4), own: at(14) + at(15), ofEnded: at(16) + at(17) };
}
