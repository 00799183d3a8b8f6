/**
 * Installs PyAirbyte and a source, each in a separate virtual environment, since they need different versions of the same
 * packages. They are cached in node_modules/.cache/pyairbyte until a pinned version changes.
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
/** Each has its direct requirements in `requirements-….in`, and the full list of pinned versions in `requirements-….txt`. */
const VENVS = ['client', 'source'];
/** Installs the pinned versions in seconds; pip's resolver and byte-compiler would take minutes. */
const UV = 'uv==0.8.24';
/** PyAirbyte 0.71 requires `>=3.10,<3.13`. */
const PYTHONS = ['python3', 'python3.12', 'python3.11', 'python3.10'];
const IS_FIT =
  'import sys, venv, ensurepip; assert (3, 10) <= sys.version_info[:2] < (3, 13); print(sys.version)';

const OUTPUT_LIMIT = 64 * 1024 * 1024;

export interface PyAirbyte {
  /** The interpreter of the environment that has `airbyte`. */
  readonly python: string;
  /** The executable of source-faker. */
  readonly faker: string;
}

/** Installs PyAirbyte if it is missing; returns the reason if this machine can't run it. Throws if the installation fails. */
export async function findPyAirbyte(): Promise<PyAirbyte | { readonly missing: string }> {
  const found = await findPython();
  if (found === undefined) return { missing: 'there is no Python from 3.10 to 3.12 with venv' };
  const folder = path.join(CACHE, hashOf(found.version));
  const ready = path.join(folder, 'ready');
  if (!existsSync(ready)) {
    if (!(await isPyPiReachable(found.python))) return { missing: 'PyPI is unreachable' };
    process.stderr.write('PyAirbyte: installing it into node_modules/.cache, once.\n');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await installByUv(found.python, folder).catch(async (error: unknown) => {
      process.stderr.write(
        `PyAirbyte: pip installs it, which takes minutes, since uv could not: ${String(error)}\n`,
      );
      await installByPip(found.python, folder);
    });
    writeFileSync(ready, '');
  }
  return {
    python: path.join(folder, 'client/bin/python'),
    faker: path.join(folder, 'source/bin/source-faker'),
  };
}

async function installByUv(python: string, folder: string): Promise<void> {
  const own = path.join(folder, 'uv');
  await pip(python, 'install', '--no-deps', '--no-compile', '--only-binary', ':all:', '--target', own, UV);
  const uv = (...args: string[]) =>
    run(path.join(own, 'bin/uv'), ['--quiet', ...args], {
      maxBuffer: OUTPUT_LIMIT,
      timeout: 300_000,
      // Makes uv use the same certificates and package index as pip.
      env: { ...process.env, UV_NATIVE_TLS: '1', UV_DEFAULT_INDEX: process.env.PIP_INDEX_URL },
    });
  for (const name of VENVS) {
    const venv = path.join(folder, name);
    const list = path.join(HERE, `requirements-${name}.txt`);
    await uv('venv', '--python', python, venv);
    await uv('pip', 'install', '--python', path.join(venv, 'bin/python'), '--no-deps', '--requirement', list);
  }
  rmSync(own, { recursive: true });
}

/** Lets pip resolve the direct requirements: for a mirror that lacks a pinned version, or that only pip is configured for. */
async function installByPip(python: string, folder: string): Promise<void> {
  for (const name of VENVS) {
    const venv = path.join(folder, name);
    const requirements = path.join(HERE, `requirements-${name}.in`);
    await run(python, ['-m', 'venv', '--clear', venv]);
    await pip(path.join(venv, 'bin/python'), 'install', '--requirement', requirements);
  }
}

async function findPython(): Promise<{ readonly python: string; readonly version: string } | undefined> {
  for (const python of PYTHONS) {
    try {
      return { python, version: (await run(python, ['-c', IS_FIT])).stdout };
    } catch {
      // Missing or unsuitable: try the next one.
    }
  }
  return undefined;
}

function hashOf(pythonVersion: string): string {
  const hash = createHash('sha256').update(pythonVersion);
  for (const name of VENVS)
    for (const kind of ['in', 'txt'])
      hash.update(readFileSync(path.join(HERE, `requirements-${name}.${kind}`)));
  return hash.digest('hex').slice(0, 16);
}

/** Downloads a small package that is needed anyway, without retries. */
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
    maxBuffer: OUTPUT_LIMIT,
    timeout: 900_000,
  });
}
