import { describe, expect, it } from '@jest/globals';
import { InputReview } from '../../src/protocol/input-review.ts';
import { LineSplitter, type NoiseLine } from '../../src/protocol/line-splitter.ts';
import { parseMessage, type InputMessage } from '../../src/protocol/messages.ts';

const RECORD = '{"type":"RECORD","record":{"stream":"users","emitted_at":1,"data":{}}}';
const STATE = '{"type":"STATE","state":{"data":{}}}';
const LOG = '{"type":"LOG","log":{}}';
const STRAY = 'a line of a log';
const DAMAGED = `INFO ${RECORD}`;
const ROW = '{"type":"customer","email":"secret@x.com"}';
const NEWS = '{"type":"NEWS"}';

/** Reads the lines; returns the kinds of the messages that passed, and everything that was reported. */
function review(...lines: readonly string[]) {
  const warnings: string[] = [];
  const input = new InputReview((message) => warnings.push(message));
  const splitter = new LineSplitter(1_000_000);
  const messages = function* (): Generator<InputMessage> {
    for (const line of splitter.push(Buffer.from(lines.map((text) => `${text}\n`).join('')))) {
      if (line.kind === 'noise') input.noteNoise(line);
      if (line.kind !== 'message') continue;
      const message = parseMessage(line.text, line.number);
      if (message.kind === 'ignored') input.noteIgnored(message);
      else yield message;
    }
  };
  const passed: string[] = [];
  for (const { kind } of input.untilRecord(messages())) passed.push(kind);
  const problem = input.problem();
  input.tellCounts();
  return { passed, problem: problem?.message, code: problem?.code, warnings };
}

describe('an input', () => {
  it.each<[string, string[]]>([
    ['nothing', []],
    ['blank lines', ['', ' ']],
    ['a state alone', [STATE]],
    ['a state with stray log lines', [STRAY, STATE, STRAY]],
    ['other messages with stray lines', [LOG, STRAY]],
    ['a state with a message of an unknown type', [NEWS, STATE]],
    ['a record among anything else', [DAMAGED, ROW, NEWS, RECORD, STATE]],
    ['a state before anything odd, and a record later', [STATE, DAMAGED, RECORD]],
  ])('is accepted: %s', (_name, lines) => {
    expect(review(...lines).problem).toBeUndefined();
  });

  it.each<[string, string[], string]>([
    [
      'text',
      ['hello secret', 'world'],
      'None of the 2 lines of the input is an Airbyte message; the first, line 1 (12 bytes), begins like text.',
    ],
    ['CSV', ['email,name', 'secret@x.com,A'], 'begins like CSV.'],
    ['CSV with semicolons', ['email;name'], 'it begins like CSV.'],
    [
      'a JSON array',
      ['[{"email":"secret@x.com"}]'],
      'The only line of the input, line 1 (26 bytes), is no Airbyte message; it begins like a JSON array.',
    ],
    ['an array over several lines', ['['], 'begins like a JSON array.'],
    ['a log', ['[INFO] secret'], 'begins like text.'],
    ['XML', ['<users>'], 'begins like XML or HTML.'],
    [
      'messages with a prefix',
      [`1 | ${RECORD}`, `2 | ${STATE}`],
      'begins like a message with something in front of it.',
    ],
    [
      'messages as JSON strings',
      [JSON.stringify(RECORD)],
      'begins like a message with something in front of it.',
    ],
    ['rows with a column type', [ROW, ROW], 'is a JSON object whose type the protocol does not have.'],
    ['only messages of unknown types', [NEWS], 'it is a JSON object whose type the protocol does not have.'],
  ])('is refused: %s', (_name, lines, sentence) => {
    const { problem, code } = review(...lines);
    expect(code).toBe('not_airbyte_messages');
    expect(problem).toContain(sentence);
    expect(problem).toContain('One JSON object a line is expected: {"type":"RECORD"');
    expect(problem).not.toContain('secret');
  });

  it.each<[string, string[], string]>([
    [
      'with a prefix',
      [STATE, DAMAGED, STATE, DAMAGED, STATE],
      "and 2 lines look like records that can't be read: line 2 (75 bytes) begins like a message with something in front of it.",
    ],
    [
      'as rows',
      [STATE, ROW, STATE],
      "and a line looks like a record that can't be read: line 2 (42 bytes) is a JSON object whose type the protocol does not have.",
    ],
    ['in an array', [STATE, `[${RECORD}]`, STATE], 'begins like a JSON array.'],
  ])(
    'that has states but no record, and what looks like records %s, keeps the states after them',
    (_name, lines, sentence) => {
      const { passed, problem } = review(...lines);
      expect(passed).toEqual(['state']);
      expect(problem).toContain(`The input has states but no record, `);
      expect(problem).toContain(sentence);
    },
  );

  it('passes held states on in their order once a record has arrived', () => {
    expect(review(DAMAGED, STATE, STATE, RECORD, STATE).passed).toEqual([
      'state',
      'state',
      'record',
      'state',
    ]);
    expect(review(STRAY, STATE, RECORD).passed).toEqual(['state', 'record']);
  });

  it('holds back a limited number of states', () => {
    expect(() => review(DAMAGED, ...Array.from({ length: 2_000 }, () => STATE))).toThrow(
      'The input has states but no record',
    );
  });

  it('logs each stray line, up to a thousand, and then their number', () => {
    expect(review(STRAY, '', 'two', RECORD).warnings).toEqual([
      'Line 1 (15 bytes) is not a message and was skipped.',
      'Line 3 (3 bytes) is not a message and was skipped.',
    ]);
    const many = review(RECORD, ...Array.from({ length: 5_000 }, () => STRAY)).warnings;
    expect(many).toHaveLength(1_002);
    expect(many.slice(-2)).toEqual([
      'Further lines that are no messages are counted, not logged.',
      '5000 lines were no messages and were skipped.',
    ]);
  });

  it('logs messages of unknown types once', () => {
    expect(review(RECORD, NEWS, ROW, NEWS).warnings).toEqual([
      '3 messages of types that the protocol does not have were ignored, the first in line 2.',
    ]);
  });

  it('is classified by the first characters of a line only, however long it is', () => {
    const heads: NoiseLine[] = [];
    const splitter = new LineSplitter(100);
    const chunks = ['é', 'x'.repeat(3_000), 'y'.repeat(3_000), '\n'].map((text) => Buffer.from(text));
    for (const chunk of chunks)
      for (const line of splitter.push(chunk)) if (line.kind === 'noise') heads.push(line);
    expect(heads.map(({ bytes, head }) => [bytes, Buffer.byteLength(head), head.slice(0, 2)])).toEqual([
      [6_002, 512, 'éx'],
    ]);
  });
});
