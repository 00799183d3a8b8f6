import { describe, expect, it } from '@jest/globals';
import type { ConfigError } from '../../src/errors.ts';
import { readStart } from '../../src/protocol/input-start.ts';

const TEXT = '{"type":"RECORD"}\n';

async function startOf(chunks: readonly Uint8Array[]): Promise<string | ConfigError> {
  const input = async function* () {
    for (const chunk of chunks) yield await Promise.resolve(chunk);
  };
  const read: Buffer[] = [];
  try {
    for await (const chunk of readStart(input())) read.push(chunk);
  } catch (error) {
    return error as ConfigError;
  }
  return Buffer.concat(read).toString();
}

const swapped = (text: string) => Buffer.from(text, 'utf16le').swap16();
const mark = '\uFEFF';

describe('the start of the input', () => {
  it.each([
    ['text', Buffer.from(TEXT)],
    ['text after a UTF-8 byte order mark', Buffer.from(mark + TEXT)],
    ['a few bytes', Buffer.from('{}')],
    ['nothing', Buffer.alloc(0)],
    ['letters that begin like a magic number', Buffer.from('PAR, BZ, PK')],
    ['letters beyond ASCII', Buffer.from('日本語')],
  ])('is passed on: %s, however it is split', async (_name, bytes) => {
    const whole = bytes.toString().replace(mark, '');
    expect(await startOf([bytes])).toBe(whole);
    expect(await startOf([...bytes].map((byte) => Buffer.from([byte])))).toBe(whole);
  });

  it.each([
    ['UTF-16 text', Buffer.from(mark + TEXT, 'utf16le'), 'iconv'],
    ['UTF-16 text', swapped(mark + TEXT), 'iconv'],
    ['UTF-16 text', Buffer.from(TEXT, 'utf16le'), 'iconv'],
    ['UTF-16 text', swapped(TEXT), 'iconv'],
    ['UTF-16 text', Buffer.from('{}', 'utf16le'), 'iconv'],
    ['compressed with gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), 'gunzip -c'],
    ['compressed with zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4, 0x58, 0, 0, 0]), 'zstd -dc'],
    ['compressed with xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4]), 'xz -dc'],
    ['compressed with bzip2', Buffer.from('BZh91AY&SY'), 'bzip2 -dc'],
    ['a zip archive', Buffer.from('PK\u0003\u0004\u0014\u0000\u0000\u0000'), 'unzip -p'],
    ['a Parquet file', Buffer.from('PAR1\u0015\u0004\u0015\u0000'), 'Airbyte source'],
    ['an Avro file', Buffer.from('Obj\u0001\u0004\u0014avro.codec'), 'Airbyte source'],
  ])('reports that the input is %s, however it is split', async (what, bytes, how) => {
    for (const chunks of [[bytes], [...bytes].map((byte) => Buffer.from([byte]))]) {
      const error = await startOf(chunks);
      expect(error).toMatchObject({ code: 'not_airbyte_messages', failureType: 'config_error' });
      const { message } = error as ConfigError;
      expect(message).toContain(`The input is ${what}. Airbyte messages are expected`);
      expect(message).toContain(how);
    }
  });
});
