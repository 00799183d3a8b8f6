import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import type { ProtocolError } from '../../src/errors.ts';
import type { InputMessage } from '../../src/protocol/messages.ts';
import { readMessages, type ReadOptions } from '../../src/protocol/reader.ts';

interface Reading {
  /** The messages of each chunk that completes any. */
  readonly yields: InputMessage[][];
  readonly noise: [line: number, bytes: number][];
  readonly ignored: [line: number, what: string][];
  readonly error: ProtocolError | undefined;
}

type Callbacks = Pick<ReadOptions, 'onNoise' | 'onIgnored'>;
const IGNORED: Callbacks = { onNoise: () => undefined, onIgnored: () => undefined };

async function read(chunks: readonly (string | Uint8Array)[], maxLineBytes?: number): Promise<Reading> {
  const yields: InputMessage[][] = [];
  const noise: [number, number][] = [];
  const ignored: [number, string][] = [];
  const input = async function* () {
    for (const chunk of chunks)
      yield await Promise.resolve(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  };
  const callbacks: Callbacks = {
    onNoise: ({ number, bytes }) => noise.push([number, bytes]),
    onIgnored: ({ line, what }) => ignored.push([line, what]),
  };
  const options = maxLineBytes === undefined ? callbacks : { ...callbacks, maxLineBytes };
  try {
    for await (const messages of readMessages(input(), options)) {
      const taken: InputMessage[] = [];
      yields.push(taken);
      for (const message of messages) taken.push(message);
    }
  } catch (error) {
    return { yields: yields.filter(isNotEmpty), noise, ignored, error: error as ProtocolError };
  }
  return { yields: yields.filter(isNotEmpty), noise, ignored, error: undefined };
}

function isNotEmpty({ length }: InputMessage[]): boolean {
  return length > 0;
}

/** A record's line, identified by its id. */
function record(id: number | string): string {
  return JSON.stringify({ type: 'RECORD', record: { stream: 'users', data: { id }, emitted_at: 1 } });
}

/** The messages that were read in short form: `line:id` each. */
function ids({ yields }: Reading): string[] {
  return yields
    .flat()
    .map(
      (message) =>
        `${message.line}:${message.kind === 'record' ? (message.data['id'] as string) : message.kind}`,
    );
}

describe('readMessages', () => {
  it.each<[string, string[], string[]]>([
    ['one line', [`${record(1)}\n`], ['1:1']],
    ['lines that end with \\r\\n', [`${record(1)}\r\n${record(2)}\r\n`], ['1:1', '2:2']],
    ['a last line without newline', [`${record(1)}\n${record(2)}`], ['1:1', '2:2']],
    ['a last line that ends with \\r', [`${record(1)}\r`], ['1:1']],
    ['blank lines, which count', [`\n \t\r\n${record(1)}\n\n\n${record(2)}\n  `], ['3:1', '6:2']],
    ['blanks around a message', [` \t${record(1)} \t\n`], ['1:1']],
    ['messages that a destination does not use', [`{"type":"LOG"}\n${record(1)}\n`], ['2:1']],
    ['a message in many chunks', record(1).split(''), ['1:1']],
    ['\\r\\n in two chunks', [`${record(1)}\r`, `\n${record(2)}\n`], ['1:1', '2:2']],
    ['a newline as a chunk', [record(1), '\n', record(2), '\n'], ['1:1', '2:2']],
    ['blanks before a message in chunks of their own', [' ', '\t', `${record(1)}\n`], ['1:1']],
    ['empty chunks', ['', `${record(1)}\n`, '', record(2), ''], ['1:1', '2:2']],
    ['nothing', [], []],
    ['nothing in a chunk', [''], []],
  ])('reads %s', async (_sentence, chunks, expected) => {
    const reading = await read(chunks);
    expect(ids(reading)).toEqual(expected);
    expect([reading.noise, reading.error]).toEqual([[], undefined]);
  });

  it('yields the messages that each chunk completes', async () => {
    const { yields } = await read([
      `${record(1)}\n${record(2)}\n{"ty`,
      'pe":"LOG"}\n',
      '\n',
      `${record(3)}\n`,
    ]);
    expect(yields.map((messages) => messages.length)).toEqual([2, 1]);
  });

  it('joins characters that are split between chunks', async () => {
    const bytes = Buffer.from(`${record('é😀漢')}\n`);
    for (let at = 1; at < bytes.length; at++) {
      expect(ids(await read([bytes.subarray(0, at), bytes.subarray(at)]))).toEqual(['1:é😀漢']);
    }
  });

  it('drops a byte order mark at the start of the input, however it is split', async () => {
    const bytes = Buffer.from(`\uFEFF${record(1)}\n`);
    for (let at = 0; at < 5; at++) {
      expect(ids(await read([bytes.subarray(0, at), bytes.subarray(at)]))).toEqual(['1:1']);
    }
    expect(ids(await read([...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(['1:1']);
    expect(await read(['\uFEFF'])).toEqual({ yields: [], noise: [], ignored: [], error: undefined });
  });

  it('drops one at the start of a line, too, as in concatenated files, however it is split', async () => {
    const bytes = Buffer.from(`${record(1)}\n\uFEFF${record(2)}\r\n\uFEFF\n \uFEFF${record(3)}`);
    const expected = ['1:1', '2:2', '4:3'];
    for (let at = 0; at < bytes.length; at++) {
      const reading = await read([bytes.subarray(0, at), bytes.subarray(at)]);
      expect([ids(reading), reading.noise]).toEqual([expected, []]);
    }
  });

  it('treats a line with a byte order mark before anything but a message as noise', async () => {
    expect((await read([`${record(1)}\n\uFEFFhello\n`])).noise).toEqual([[2, 8]]);
  });

  it('yields to the event loop between chunks, even if the next one is available already', async () => {
    const turns: number[] = [];
    let turn = 0;
    const count = () => {
      turn++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const chunks = Array.from({ length: 4 }, (_, id) => Buffer.from(`${record(id)}\n`));
    const input = Readable.from(chunks);
    for await (const messages of readMessages(input, IGNORED))
      for (const { line } of messages) turns[line - 1] = turn;
    clearImmediate(timer);
    expect(turns).toHaveLength(4);
    expect(new Set(turns).size).toBe(4);
  });

  it('reads views into larger memory', async () => {
    const bytes = Buffer.from(`xxxx${record(1)}\nyyyy`);
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset + 4, bytes.length - 8);
    expect(ids(await read([view]))).toEqual(['1:1']);
  });
});

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

describe('noise', () => {
  it.each<[string, (string | Uint8Array)[], [number, number][]]>([
    ['plain text', ['hello\n'], [[1, 5]]],
    ['text that ends with \\r\\n, without counting that', ['hello\r\n'], [[1, 5]]],
    ['text in two chunks', ['hel', 'lo\r', '\n'], [[1, 5]]],
    ['a last line without newline', ['hello'], [[1, 5]]],
    [
      'JSON that is not an object',
      ['[{"type":"RECORD"}]\n"x"\n5\n'],
      [
        [1, 19],
        [2, 3],
        [3, 1],
      ],
    ],
    ['a message after something else', [`INFO ${record(1)}\n`], [[1, 5 + record(1).length]]],
    ['bytes that are not text', [Uint8Array.of(0xff, 0xfd, 0x0a)], [[1, 2]]],
  ])('is reported and skipped: %s', async (_sentence, chunks, noise) => {
    expect(await read(chunks)).toEqual({ yields: [], noise, ignored: [], error: undefined });
  });

  it('may be longer than a message, and takes no memory', async () => {
    const chunkBytes = 4 * 1024 * 1024;
    const before = process.memoryUsage().arrayBuffers;
    let mostHeld = 0;
    const input = async function* () {
      for (let chunk = 0; chunk < 200; chunk++) {
        yield await Promise.resolve(Buffer.alloc(chunkBytes, 'a'));
        if (chunk % 40 !== 39) continue;
        collectGarbage();
        mostHeld = Math.max(mostHeld, process.memoryUsage().arrayBuffers - before);
      }
      yield Buffer.from(`\n${record(1)}\n`);
    };
    const noise: [number, number][] = [];
    const callbacks: Callbacks = { ...IGNORED, onNoise: ({ number, bytes }) => noise.push([number, bytes]) };
    const lines: number[] = [];
    for await (const messages of readMessages(input(), { ...callbacks, maxLineBytes: 1_000 }))
      for (const { line } of messages) lines.push(line);
    expect([noise, lines]).toEqual([[[1, 200 * chunkBytes]], [2]]);
    // Of 800 MB; buffers are freed some time after they were collected.
    expect(mostHeld).toBeLessThan(256 * 1024 * 1024);
  });

  it('does not affect the messages in the same chunk, even if it is not text', async () => {
    const bad = Uint8Array.of(0xff, 0x0a);
    const reading = await read([
      Buffer.concat([Buffer.from(`${record('é')}\n`), bad, Buffer.from(`${record('😀')}\n`)]),
    ]);
    expect([ids(reading), reading.noise]).toEqual([['1:é', '3:😀'], [[2, 1]]]);
  });

  it('does not include blank lines of any length', async () => {
    expect(await read([' '.repeat(5_000), ' \n', ' '.repeat(5_000)], 1_000)).toEqual({
      yields: [],
      noise: [],
      ignored: [],
      error: undefined,
    });
  });
});

describe('a line that can’t be read', () => {
  const invalid = Buffer.concat([
    Buffer.from('{"type":"RECORD","x":"'),
    Uint8Array.of(0xc3, 0x28),
    Buffer.from('"}'),
  ]);
  const newline = Buffer.from('\n');

  it.each<[string, (string | Uint8Array)[], string, string]>([
    [
      'broken JSON',
      [`${record(1)}\n{"type":\n${record(2)}\n`],
      'broken_message',
      'Line 2 of the input (8 bytes) begins like a message but is not valid JSON.',
    ],
    [
      'a message cut off at the end',
      [`${record(1)}\n{"type":"REC`],
      'broken_message',
      'Line 2 of the input (12 bytes) begins like a message but is not valid JSON. The input ends within this line: it seems cut off in mid-line.',
    ],
    [
      'a required part missing',
      [`${record(1)}\n`, '{"type":"STATE"}\n'],
      'broken_message',
      "Line 2 of the input (16 bytes) begins like a message but can't be read as one (state: Invalid input: expected object, received undefined).",
    ],
    [
      'invalid UTF-8',
      [Buffer.concat([Buffer.from(`${record(1)}\n`), invalid, newline, Buffer.from(`${record(2)}\n`)])],
      'invalid_utf8',
      'Line 2 of the input (26 bytes) begins like a message but is not valid UTF-8.',
    ],
    [
      'invalid UTF-8 in a line of several chunks',
      [`${record(1)}\n`, invalid.subarray(0, 23), invalid.subarray(23), newline],
      'invalid_utf8',
      'Line 2 of the input (26 bytes) begins like a message but is not valid UTF-8.',
    ],
    [
      'a character cut off at the end',
      [`${record(1)}\n`, Buffer.from('{"é').subarray(0, 3)],
      'invalid_utf8',
      'Line 2 of the input (3 bytes) begins like a message but is not valid UTF-8. The input ends within this line: it seems cut off in mid-line.',
    ],
  ])('ends reading after everything before it: %s', async (_sentence, chunks, code, message) => {
    const reading = await read(chunks);
    expect(ids(reading)).toEqual(['1:1']);
    expect(reading.error?.code).toBe(code);
    expect(reading.error?.message).toBe(message);
  });

  it('passes on an error of the input', async () => {
    const input = async function* () {
      yield await Promise.resolve(Buffer.from(`${record(1)}\n`));
      throw new Error('read failed');
    };
    const reading = (async () => {
      for await (const messages of readMessages(input(), IGNORED)) expect([...messages]).toHaveLength(1);
    })();
    await expect(reading).rejects.toThrow('read failed');
  });
});

describe('the limit of a line', () => {
  const line = record(1);
  const limit = line.length;
  const tooLong = `Line 2 of the input (more than ${limit} bytes) is longer than a message may be.`;

  it.each<[string, string[]]>([
    ['whole', [`${line}\n${line}\r\n`]],
    ['in chunks', [line, '\n', line.slice(0, 9), line.slice(9), '\r', '\n']],
    ['at the end', [`${line}\n`, line]],
    ['at the end, with a \\r', [`${line}\n${line}\r`]],
  ])('allows a line of exactly that length: %s', async (_sentence, chunks) => {
    expect(ids(await read(chunks, limit))).toEqual(['1:1', '2:1']);
  });

  it.each<[string, string[]]>([
    ['whole', [`${line}\n${line} \n`]],
    ['in chunks', [`${line}\n`, line.slice(0, 9), `${line.slice(9)} `, '\n']],
    ['at the end', [`${line}\n${line} `]],
    ['without its end', [`${line}\n${line}`, '  ']],
  ])('stops at a longer one: %s', async (_sentence, chunks) => {
    const reading = await read(chunks, limit);
    expect(ids(reading)).toEqual(['1:1']);
    expect([reading.error?.code, reading.error?.message]).toEqual(['line_too_long', tooLong]);
  });

  it('stops as soon as it is exceeded, without waiting for the end of the line', async () => {
    let chunksRead = 0;
    const input = async function* () {
      yield await Promise.resolve(Buffer.from('{'));
      for (; chunksRead < 1_000; chunksRead++) yield Buffer.alloc(100, 'a');
    };
    const reading = (async () => {
      for await (const messages of readMessages(input(), { ...IGNORED, maxLineBytes: 1_000 }))
        expect([...messages]).toEqual([]);
    })();
    await expect(reading).rejects.toThrow('longer than a message may be');
    expect(chunksRead).toBeLessThan(15);
  });

  it('is 64 MB, and a line of nearly that size is read in linear time', async () => {
    const state = `{"type":"STATE","state":{"data":{"x":"${'y'.repeat(60_000_000)}"}}}`;
    const bytes = Buffer.from(`${state}\n`);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 65_536) chunks.push(bytes.subarray(at, at + 65_536));
    const startedAt = performance.now();
    const { yields } = await read(chunks);
    const message = yields[0]?.[0];
    expect(message?.kind === 'state' && message.text.length).toBe(state.length);
    // About 0.4 s; joining the chunks one by one takes minutes.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

describe('readMessages against a plain model', () => {
  const line = fc.oneof(
    fc.nat().map((id) => record(id)),
    fc.string({ unit: 'grapheme' }).map((text) => record(text)),
    fc.constantFrom('', ' ', '\t', 'noise', 'é noise', ' {"type":"LOG"}', '"text"', '\uFEFF', '\uFEFF noise'),
  );
  const ending = fc.constantFrom('\n', '\r\n');

  it('reads the same however the input is split into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(line, ending)),
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 1_000 })),
        async (lines, isTerminated, cuts) => {
          const whole = `{"type":"LOG"}\n${lines.map((parts) => parts.join('')).join('')}`;
          const bytes = Buffer.from(isTerminated ? whole : whole.replace(/\r?\n$/, ''));
          const bounds = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
          const chunks = bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
          const reading = await read(chunks);
          const texts = lines.map(([text]) => text);
          expect(ids(reading)).toEqual(
            texts.flatMap((text, index) =>
              text.startsWith('{') ? [`${index + 2}:${String(idOf(text))}`] : [],
            ),
          );
          expect(reading.noise).toEqual(
            texts.flatMap((text, index) =>
              /^[ \t\uFEFF]*[^ \t\uFEFF{]/.test(text) ? [[index + 2, Buffer.byteLength(text)]] : [],
            ),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  function idOf(text: string): unknown {
    return (JSON.parse(text) as { record: { data: { id: unknown } } }).record.data.id;
  }
});
