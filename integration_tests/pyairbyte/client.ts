/** Runs PyAirbyte in a child process that executes commands and answers them one by one. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { MAIN } from '../support/connector.ts';
import type { PyAirbyte } from './environment.ts';

const SCRIPT = fileURLToPath(new URL('client.py', import.meta.url));

export interface CheckAnswer {
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly message?: string;
}

export interface WriteOrder {
  readonly config: Record<string, unknown>;
  /** The configuration of source-faker. */
  readonly source: Record<string, unknown>;
  /** The DuckDB file that caches records and states, or with `straight` only the states. */
  readonly cache: string;
  readonly straight: boolean;
  readonly fullRefresh: boolean;
  readonly strategy: 'auto' | 'append' | 'replace' | 'merge';
}

export interface WriteAnswer {
  readonly error?: string;
  readonly sent?: number;
  readonly confirmed?: number;
  readonly states: readonly {
    /** destination/source/stream */
    readonly of: string;
    readonly state: {
      readonly type: string;
      readonly stream: {
        readonly stream_descriptor: Record<string, unknown>;
        readonly stream_state: Record<string, unknown>;
      };
      readonly destinationStats: Record<string, unknown>;
    };
  }[];
}

export class PyAirbyteClient {
  readonly #child: ChildProcess;
  readonly #stdin: Writable;
  readonly #answers: AsyncIterator<string, undefined>;
  readonly #faker: string;
  #output = '';

  /** @param folder for everything that PyAirbyte itself writes, such as logs and caches */
  constructor({ python, faker }: PyAirbyte, folder: string) {
    this.#faker = faker;
    this.#child = spawn(python, [SCRIPT], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      env: {
        // The connector's shebang runs `node`, which is to be the version that runs the tests.
        PATH: [path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
        HOME: folder,
        DO_NOT_TRACK: '1',
        AIRBYTE_OFFLINE_MODE: '1',
        AIRBYTE_LOGGING_ROOT: path.join(folder, 'logs'),
        NO_LIVE_PROGRESS: '1',
        PYTHONWARNINGS: 'ignore',
      },
    });
    const [stdin, stdout, stderr, answers] = this.#child.stdio as unknown as [
      Writable,
      Readable,
      Readable,
      Readable,
    ];
    this.#stdin = stdin.on('error', () => undefined);
    for (const stream of [stdout, stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.#answers = createInterface({ input: answers })[Symbol.asyncIterator]();
  }

  /** The output of PyAirbyte and its child processes so far. */
  get output(): string {
    return this.#output;
  }

  check(config: Record<string, unknown>): Promise<CheckAnswer> {
    return this.#ask('check', { config });
  }

  write(order: WriteOrder): Promise<WriteAnswer> {
    return this.#ask('write', { ...order, faker: this.#faker });
  }

  async #ask<Answer>(command: string, order: object): Promise<Answer> {
    this.#stdin.write(`${JSON.stringify({ command, executable: MAIN, ...order })}\n`);
    const { done, value } = await this.#answers.next();
    if (done === true) throw new Error(`PyAirbyte exited without an answer:\n${this.#output}`);
    return JSON.parse(value) as Answer;
  }

  /** Resolves when the process has ended. */
  async close(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    this.#stdin.end();
    await gone;
  }
}
