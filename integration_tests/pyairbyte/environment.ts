/**
 * PyAirbyte and a source, each in a virtual environment of its own, for they need different versions of the same packages.
 * They are kept in node_modules/.cache/pyairbyte until a pinned version changes.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
const CACHE = path.join(HERE, '../../node_modules/.cache/pyairbyte');
const VENVS = { client: 'requirements.txt', source: 'requirements-source.txt' };
/** PyAirbyte 0.71 asks for `>=3.10,<3.13`. */
const PYTHONS = ['python3', 'python3.12', 'python3.11', 'python3.10'];
const IS_FIT =
  'import sys, venv, ensurepip; assert (3, 10) <= sys.version_info[:2] < (3, 13); print(sys.version)';

export interface PyAirbyte {
  /** The interpreter that knows `airbyte`. */
  readonly python: string;
  /** The executable of source-faker. */
  readonly faker: string;
}

/** Installs what is missing; gives the reason instead when this machine can't. A failed installation throws. */
export async function findPyAirbyte(): Promise<PyAirbyte | { readonly missing: string }> {
  const found = await findPython();
  if (found === undefined) return { missing: 'there is no Python from 3.10 to 3.12 with venv' };
  const folder = path.join(CACHE, hashOf(found.version));
  const ready = path.join(folder, 'ready');
  if (!existsSync(ready)) {
    if (!(await isPyPiReachable(found.python))) return { missing: 'PyPI is out of reach' };
    process.stderr.write('PyAirbyte: installing it into node_modules/.cache, which takes minutes, once.\n');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await Promise.all(
      Object.entries(VENVS).map(async ([name, requirements]) => {
        const venv = path.join(folder, name);
        await run(found.python, ['-m', 'venv', venv]);
        await pip(path.join(venv, 'bin/python'), 'install', '--requirement', path.join(HERE, requirements));
      }),
    );
    writeFileSync(ready, '');
  }
  return {
    python: path.join(folder, 'client/bin/python'),
    faker: path.join(folder, 'source/bin/source-faker'),
  };
}

async function findPython(): Promise<{ readonly python: string; readonly version: string } | undefined> {
  for (const python of PYTHONS) {
    try {
      return { python, version: (await run(python, ['-c', IS_FIT])).stdout };
    } catch {
      // Not there, or not fit: the next one.
    }
  }
  return undefined;
}

function hashOf(pythonVersion: string): string {
  const hash = createHash('sha256').update(pythonVersion);
  for (const requirements of Object.values(VENVS)) hash.update(readFileSync(path.join(HERE, requirements)));
  return hash.digest('hex').slice(0, 16);
}

/** Asks for a small package that is needed anyway, without patience. */
async function isPyPiReachable(python: string): Promise<boolean> {
  const folder = mkdtempSync(path.join(tmpdir(), 'pyairbyte-'));
  try {
    await pip(python, 'download', '--no-deps', '--retries', '0', '--timeout', '10', '--dest', folder, 'idna');
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function pip(python: string, ...args: string[]): Promise<void> {
  await run(python, ['-m', 'pip', '--quiet', '--disable-pip-version-check', ...args], {
    maxBuffer: 64 * 1024 * 1024,
    timeout: 900_000,
  });
}
