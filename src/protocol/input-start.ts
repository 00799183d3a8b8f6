/** Checks the first bytes of the input: drops a UTF-8 byte order mark, and recognizes input that is not UTF-8 text. */
import { Buffer } from 'node:buffer';
import { notMessages } from './line-errors.ts';

/** First bytes of common binary formats; none is longer than `ENOUGH`. */
const STARTS: readonly { readonly bytes: readonly number[]; readonly what: string; readonly how: string }[] =
  [
    { bytes: [0x1f, 0x8b], what: 'compressed with gzip', how: 'unpack it first, for example with gunzip -c' },
    {
      bytes: [0x28, 0xb5, 0x2f, 0xfd],
      what: 'compressed with zstd',
      how: 'unpack it first, for example with zstd -dc',
    },
    {
      bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
      what: 'compressed with xz',
      how: 'unpack it first, for example with xz -dc',
    },
    {
      bytes: [0x42, 0x5a, 0x68],
      what: 'compressed with bzip2',
      how: 'unpack it first, for example with bzip2 -dc',
    },
    {
      bytes: [0x50, 0x4b, 0x03, 0x04],
      what: 'a zip archive',
      how: 'unpack it first, for example with unzip -p',
    },
    { bytes: [0x50, 0x41, 0x52, 0x31], what: 'a Parquet file', how: 'read it by an Airbyte source' },
    { bytes: [0x4f, 0x62, 0x6a, 0x01], what: 'an Avro file', how: 'read it by an Airbyte source' },
  ];
const UTF_16 = {
  what: 'UTF-16 text',
  how: 'convert it to UTF-8 first, for example with iconv -f UTF-16 -t UTF-8',
};
const UTF_16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];
const UTF_8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const ENOUGH = 8;

/**
 * The input without its UTF-8 byte order mark. Throws ConfigError `not_airbyte_messages` if the first bytes are those
 * of another encoding, of compressed data or of a binary file.
 */
export async function* readStart(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  /** The first bytes, as long as they are too few to decide. */
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const bytes of input) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!start) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (start.length < ENOUGH) continue;
    yield withoutMark(start);
    start = undefined;
  }
  if (start) yield withoutMark(start);
}

function withoutMark(start: Buffer): Buffer {
  const other = isUtf16(start) ? UTF_16 : STARTS.find(({ bytes }) => beginsWith(start, Buffer.from(bytes)));
  if (other) {
    throw notMessages(
      `The input is ${other.what}. Airbyte messages are expected, one JSON object a line, as UTF-8 text: ${other.how}.`,
    );
  }
  return beginsWith(start, UTF_8_MARK) ? start.subarray(UTF_8_MARK.length) : start;
}

function beginsWith(start: Buffer, bytes: Buffer): boolean {
  return start.length >= bytes.length && start.subarray(0, bytes.length).equals(bytes);
}

/** Without a byte order mark, ASCII text in UTF-16 has a zero in every other byte. */
function isUtf16(start: Buffer): boolean {
  if (UTF_16_MARKS.some((mark) => beginsWith(start, mark))) return true;
  const places = [...start.subarray(0, ENOUGH)];
  const isZeroAt = (parity: number) => places.every((byte, index) => (byte === 0) === (index % 2 === parity));
  return places.length >= 4 && (isZeroAt(0) || isZeroAt(1));
}
