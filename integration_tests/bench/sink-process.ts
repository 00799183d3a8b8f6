/** Starts the sink in a child process. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export class Sink {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<Sink> {
    const process = fork(fileURLToPath(new URL('sink.ts', import.meta.url)));
    const [port] = (await once(process, 'message')) as [number];
    return new Sink(process, port);
  }

  /** The total size of all request bodies so far, in bytes. */
  async bytes(): Promise<number> {
    return Number(await (await fetch(`${this.url}/bytes`)).text());
  }

  stop(): void {
    this.#process.disconnect();
  }
}
