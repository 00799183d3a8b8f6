import { describe, expect, it } from '@jest/globals';
import { recordDataText } from '../../src/protocol/record-text.ts';

describe('recordDataText', () => {
  it.each([
    ['{"type":"RECORD","record":{"stream":"u","data":{"id":9007199254740993,"x":5.0},"emitted_at":1}}'],
    [
      '{ "record" : { "data" :{"id":9007199254740993,"x":5.0} , "stream":"{\\"data\\":1}" }, "type":"RECORD" } ',
    ],
    ['{"rec\\u006frd":{"d\\u0061ta":{"id":9007199254740993,"x":5.0}}}'],
  ])('is cut out verbatim: %s', (line) => {
    expect(recordDataText(line)).toBe('{"id":9007199254740993,"x":5.0}');
  });

  it('takes the last of two keys, as JSON does, and no key of a deeper object', () => {
    expect(recordDataText('{"record":{"data":{"a":1},"meta":{"data":{"no":1}},"data":{"data":2}}}')).toBe(
      '{"data":2}',
    );
  });

  it('fails for text that is not a record', () => {
    expect(() => recordDataText('{"type":"STATE"}')).toThrow();
    expect(() => recordDataText('{"record":{"stream":"u"}}')).toThrow();
  });
});
