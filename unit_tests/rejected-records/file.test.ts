import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../src/errors.ts';
import { checkRejectedRecordsFile, openRejectedRecordsFile } from '../../src/rejected-records/file.ts';
import type { RejectedRecord } from '../../src/rejected-records/rejected-records.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rejected-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function aRejected(line: number, overrides: Partial<RejectedRecord> = {}): RejectedRecord {
  return {
    stream: { name: 'users' },
    emittedAt: 5,
    line,
    rejection: { code: 'wrong_type', field: 'age', reason: 'no number' },
    dataText: '{"id":9007199254740993,"x":5.0}',
    ...overrides,
  };
}

const lines = (file: string) => readFileSync(file, 'utf8').split('\n').slice(0, -1);

describe('the file of rejected records', () => {
  it('is readable by its owner only, and holds one line per record, with the original text of the data', async () => {
    const file = path.join(folder, 'r.jsonl');
    const store = await openRejectedRecordsFile(file);
    store.add(aRejected(7));
    store.add(
      aRejected(8, {
        stream: { name: 'users', namespace: 'crm' },
        rejection: { code: 'conflict', reason: 'taken', answer: 'conflictEmails: a@x' },
        dataText: '{\r"a":1}',
      }),
    );
    await store.flush();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(lines(file)).toEqual([
      '{"stream":"users","emitted_at":5,"line":7,"code":"wrong_type","field":"age","reason":"no number","data":{"id":9007199254740993,"x":5.0}}',
      '{"stream":"users","namespace":"crm","emitted_at":5,"line":8,"code":"conflict","reason":"taken","answer":"conflictEmails: a@x","data":{ "a":1}}',
    ]);
    await store.close();
  });

  it('appends to an existing file, on a new line after an incomplete one that a crash has left', async () => {
    const file = path.join(folder, 'r.jsonl');
    writeFileSync(file, '{"stream":"us');
    const store = await openRejectedRecordsFile(file);
    store.add(aRejected(1));
    await store.close();
    expect(lines(file).map((text) => text.slice(0, 13))).toEqual(['{"stream":"us', '{"stream":"us']);
    expect(lines(file)).toHaveLength(2);
  });

  it('keeps little in memory: with a buffer over a million characters, untilRoom waits for the disk', async () => {
    const file = path.join(folder, 'r.jsonl');
    const store = await openRejectedRecordsFile(file);
    await store.untilRoom();
    for (let line = 0; line < 20; line++) store.add(aRejected(line, { dataText: `"${'x'.repeat(60_000)}"` }));
    expect(statSync(file).size).toBe(0);
    await store.untilRoom();
    expect(lines(file)).toHaveLength(20);
    await store.close();
  });

  it.each([
    ['in a folder that does not exist', () => path.join(folder, 'no', 'r.jsonl')],
    ['a folder', () => folder],
    ['a folder because its path ends with a slash', () => path.join(folder, 'r/')],
  ])(
    'is refused when it is %s, with an error that names the option; a check gives the same error',
    async (_name, file) => {
      await expect(checkRejectedRecordsFile(file())).rejects.toThrow(/^rejected_records\.path: can't write/);
      await expect(openRejectedRecordsFile(file())).rejects.toThrow(/^rejected_records\.path: can't write/);
      await expect(openRejectedRecordsFile(file())).rejects.toBeInstanceOf(ConfigError);
    },
  );

  it('can be checked without being created', async () => {
    const file = path.join(folder, 'r.jsonl');
    await checkRejectedRecordsFile(file);
    expect(() => statSync(file)).toThrow();
    await expect(checkRejectedRecordsFile(path.join(folder, 'no', 'r.jsonl'))).rejects.toBeInstanceOf(
      ConfigError,
    );
  });

  it('rejects a flush when the disk is full', async () => {
    const store = await openRejectedRecordsFile('/dev/full');
    store.add(aRejected(1));
    await expect(store.flush()).rejects.toThrow(/ENOSPC/);
    await expect(store.close()).rejects.toThrow(/ENOSPC/);
  });
});
