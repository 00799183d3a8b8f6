import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { outputMessage } from '../../src/protocol/output-schemas.ts';
import { MessageWriter, type MessageWriterOptions } from '../../src/protocol/writer.ts';

/** A stream that stores what is written to it, and accepts more only when released. */
class SlowStream extends Writable {
  readonly chunks: string[] = [];
  readonly #isHeld: boolean;
  #waiting: ((error?: Error) => void)[] = [];

  constructor(isHeld = false) {
    super({ highWaterMark: 100 });
    this.#isHeld = isHeld;
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error) => void): void {
    this.chunks.push(chunk.toString());
    if (this.#isHeld) this.#waiting.push(callback);
    else callback();
  }

  /** Ends the write in progress, with success or an error. */
  release(error?: Error): void {
    this.#waiting.shift()?.(error);
  }

  get text(): string {
    return this.chunks.join('');
  }
}

async function write(
  act: (writer: MessageWriter) => Promise<void>,
  options?: MessageWriterOptions,
): Promise<unknown> {
  const out = new SlowStream();
  await act(new MessageWriter(out, options));
  expect(out.text.endsWith('\n')).toBe(true);
  const message: unknown = JSON.parse(out.text);
  // The message also has to match the protocol's schema.
  expect(outputMessage.safeParse(message).error).toBeUndefined();
  return message;
}

/** Resolves to whether the promise is settled once all other pending work is done. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  return settled;
}

describe('messages', () => {
  it('LOG', async () => {
    expect(await write((writer) => writer.log('WARN', 'two\nlines'))).toEqual({
      type: 'LOG',
      log: { level: 'WARN', message: 'two\nlines' },
    });
  });

  it('SPEC', async () => {
    const spec = {
      documentationUrl: 'https://example.com',
      connectionSpecification: { type: 'object' },
      supported_destination_sync_modes: ['append'],
    };
    expect(await write((writer) => writer.spec(spec))).toEqual({ type: 'SPEC', spec });
  });

  it('CONNECTION_STATUS, with and without a message', async () => {
    expect(await write((writer) => writer.connectionStatus('SUCCEEDED'))).toEqual({
      type: 'CONNECTION_STATUS',
      connectionStatus: { status: 'SUCCEEDED' },
    });
    expect(await write((writer) => writer.connectionStatus('FAILED', 'no such key'))).toEqual({
      type: 'CONNECTION_STATUS',
      connectionStatus: { status: 'FAILED', message: 'no such key' },
    });
  });

  it('TRACE ERROR, with everything and with the minimum', async () => {
    const now = () => 1_700_000_000_000;
    expect(
      await write(
        (writer) =>
          writer.traceError({
            message: 'for people',
            internalMessage: 'for engineers',
            stackTrace: 'at x',
            failureType: 'transient_error',
            stream: { name: 'users', namespace: 'public' },
          }),
        { now },
      ),
    ).toEqual({
      type: 'TRACE',
      trace: {
        type: 'ERROR',
        emitted_at: 1_700_000_000_000,
        error: {
          message: 'for people',
          internal_message: 'for engineers',
          stack_trace: 'at x',
          failure_type: 'transient_error',
          stream_descriptor: { name: 'users', namespace: 'public' },
        },
      },
    });
    expect(
      await write((writer) => writer.traceError({ message: 'm', failureType: 'config_error' }), { now }),
    ).toEqual({
      type: 'TRACE',
      trace: {
        type: 'ERROR',
        emitted_at: 1_700_000_000_000,
        error: { message: 'm', failure_type: 'config_error' },
      },
    });
  });

  it('DESTINATION_CATALOG', async () => {
    const operations = [
      { object_name: 'users', sync_mode: 'update' as const, json_schema: {}, matching_keys: [['email']] },
    ];
    expect(await write((writer) => writer.destinationCatalog(operations))).toEqual({
      type: 'DESTINATION_CATALOG',
      destination_catalog: { operations },
    });
  });

  it('STATE, verbatim', async () => {
    const out = new SlowStream();
    const line = '{"type":"STATE", "state":{"id":9007199254740993,"x":"\u2028"}}';
    await new MessageWriter(out, { redact: () => 'redacted' }).state(line);
    expect(out.chunks).toEqual([`${line}\n`]);
  });

  it('are one write each, in the order of the calls, whatever their texts contain', async () => {
    const out = new SlowStream();
    const writer = new MessageWriter(out);
    const texts = ['a\r\nb', '\u2028\u2029\u0085', '"\\', '\ud800', '😀'];
    await Promise.all(texts.map((text) => writer.log('INFO', text)));
    expect(out.chunks.every((chunk) => /^[^\r\n]*\n$/.test(chunk))).toBe(true);
    expect(
      out.chunks.map((chunk) => (JSON.parse(chunk) as { log: { message: string } }).log.message),
    ).toEqual(['a\r\nb', '\u2028\u2029\u0085', '"\\', '\ud800', '😀']);
  });
});

describe('texts for users', () => {
  const redact = (text: string) => text.replaceAll('secret', '****');

  it('pass through the redact function', async () => {
    expect(await write((writer) => writer.log('INFO', 'a secret'), { redact })).toMatchObject({
      log: { message: 'a ****' },
    });
    expect(await write((writer) => writer.connectionStatus('FAILED', 'a secret'), { redact })).toMatchObject({
      connectionStatus: { message: 'a ****' },
    });
    const trace = { message: 'secret 1', internalMessage: 'secret 2', stackTrace: 'secret 3' };
    expect(
      await write((writer) => writer.traceError({ ...trace, failureType: 'system_error' }), { redact }),
    ).toMatchObject({
      trace: { error: { message: '**** 1', internal_message: '**** 2', stack_trace: '**** 3' } },
    });
  });

  it('pass through the one that was set last', async () => {
    const out = new SlowStream();
    const writer = new MessageWriter(out);
    await writer.log('INFO', 'a secret');
    writer.setRedact(redact);
    await writer.log('INFO', 'a secret');
    expect(out.chunks.map((chunk) => chunk.includes('secret'))).toEqual([true, false]);
  });

  it('leave the spec as it is', async () => {
    const spec = {
      documentationUrl: 'secret',
      connectionSpecification: {},
      supported_destination_sync_modes: [],
    };
    expect(await write((writer) => writer.spec(spec), { redact })).toEqual({ type: 'SPEC', spec });
  });

  it.each([
    [50_000, false],
    [50_001, true],
    [200_000, true],
  ])('are cut beyond 50,000 characters: %d', async (length, isCut) => {
    const text = 'x'.repeat(length);
    const message = { log: { message: isCut ? `${'x'.repeat(49_993)}… (cut)` : text } };
    expect(await write((writer) => writer.log('INFO', text))).toMatchObject(message);
  });

  it('are redacted before they are truncated, so that no half of a secret remains', async () => {
    const text = `${'x'.repeat(49_990)}secret${'x'.repeat(100)}`;
    expect(await write((writer) => writer.log('INFO', text), { redact })).toMatchObject({
      log: { message: `${'x'.repeat(49_990)}***… (cut)` },
    });
  });
});

describe('waiting', () => {
  const long = 'x'.repeat(200);

  it('ends at once while the stream accepts more', async () => {
    expect(await isSettled(new MessageWriter(new SlowStream(true)).log('INFO', 'short'))).toBe(true);
  });

  it('lasts until the stream drains, for all waiting callers', async () => {
    const out = new SlowStream(true);
    const writer = new MessageWriter(out, { maxUnreadBytes: 1_000 });
    const waiting = Array.from({ length: 20 }, () => writer.log('INFO', long));
    // What fits into the limit blocks no one.
    expect(await isSettled(Promise.all(waiting.slice(0, 3)))).toBe(true);
    expect(await isSettled(Promise.race(waiting.slice(-3)))).toBe(false);
    for (let line = 0; line < 20; line++) {
      out.release();
      await isSettled(Promise.resolve());
    }
    await Promise.all(waiting);
    expect(out.chunks).toHaveLength(20);
    expect(out.listenerCount('drain')).toBe(1);
  });

  it('ends when the stream is closed', async () => {
    const out = new SlowStream(true);
    const waiting = new MessageWriter(out, { maxUnreadBytes: 0 }).log('INFO', long);
    expect(await isSettled(waiting)).toBe(false);
    out.destroy();
    await waiting;
    expect(out.chunks).toHaveLength(1);
  });

  it('for a flush lasts until the last line is written', async () => {
    const out = new SlowStream(true);
    const writer = new MessageWriter(out);
    await writer.flush();
    void writer.log('INFO', 'a');
    void writer.log('INFO', 'b');
    const flushed = writer.flush();
    expect(await isSettled(flushed)).toBe(false);
    out.release();
    expect(await isSettled(flushed)).toBe(false);
    out.release();
    await flushed;
    await writer.flush();
    expect(out.chunks).toHaveLength(2);
  });
});

describe('a reader that closes stdout', () => {
  const epipe = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });

  it('is reported once, and later messages are discarded', async () => {
    const out = new SlowStream(true);
    const writer = new MessageWriter(out, { maxUnreadBytes: 0 });
    const closings: (Error | undefined)[] = [];
    writer.onClosed = (error) => closings.push(error);
    const pending = [writer.log('INFO', 'x'.repeat(200)), writer.log('INFO', 'y'), writer.flush()];
    expect(writer.isClosed).toBe(false);
    out.release(epipe);
    await Promise.all(pending);
    expect(closings).toEqual([epipe]);
    expect([writer.isClosed, writer.failure]).toEqual([true, epipe]);
    await writer.state('{"type":"STATE"}');
    await writer.flush();
    expect(out.chunks).toHaveLength(1);
    expect(closings).toHaveLength(1);
  });

  it('is reported at once to a callback that is set later', async () => {
    const out = new SlowStream();
    out.destroy();
    const writer = new MessageWriter(out);
    let closings = 0;
    writer.onClosed = () => closings++;
    await isSettled(Promise.resolve());
    expect(closings).toBe(1);
  });

  it('needs no callback', async () => {
    const out = new SlowStream(true);
    const writer = new MessageWriter(out, { maxUnreadBytes: 0 });
    const pending = writer.log('INFO', 'x'.repeat(200));
    out.release(epipe);
    await pending;
    expect(writer.isClosed).toBe(true);
  });
});
