import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ConfigError, ProtocolError } from '../../src/errors.ts';
import { ExactNumber } from '../../src/json.ts';
import { parseMessage } from '../../src/protocol/messages.ts';
import { recordSchema } from '../../src/protocol/schemas.ts';

const RECORD = { stream: 'users', data: { id: 1 }, emitted_at: 1_700_000_000_000 };

function textOf(record: object, message: object = {}): string {
  return JSON.stringify({ type: 'RECORD', record: { ...RECORD, ...record }, ...message });
}

function parseRecord(record: object, message: object = {}) {
  return parseMessage(textOf(record, message), 7);
}

describe('RECORD', () => {
  const plain = {
    kind: 'record',
    line: 7,
    stream: { name: 'users' },
    data: { id: 1 },
    nulledFields: [],
    emittedAt: 1_700_000_000_000,
  };

  it.each<[string, object, object]>([
    ['the required parts', {}, {}],
    ['a namespace', { namespace: 'public' }, { stream: { name: 'users', namespace: 'public' } }],
    ['a null namespace, as if absent', { namespace: null }, {}],
    ['an empty namespace, as if absent', { namespace: '' }, {}],
    ['seconds with a fraction', { emitted_at: 1_700_000_000.25 }, { emittedAt: 1_700_000_000.25 }],
    ['no columns', { data: {} }, { data: {} }],
    ['nulls in data, which are values', { data: { a: null, b: [null] } }, { data: { a: null, b: [null] } }],
    ['unknown properties', { file_reference: { x: 1 }, more: [1] }, {}],
    ['a null meta', { meta: null }, {}],
    ['a meta without changes', { meta: {} }, {}],
    ['null changes', { meta: { changes: null } }, {}],
    [
      'changes, of which only NULLED ones matter',
      {
        meta: {
          changes: [
            { field: 'a', change: 'NULLED', reason: 'SOURCE_SERIALIZATION_ERROR' },
            { field: 'b', change: 'TRUNCATED', reason: null },
            { field: 'c', change: 'NULLED' },
            { field: 'd', change: 'SOMETHING_NEW' },
          ],
        },
      },
      { nulledFields: ['a', 'c'] },
    ],
  ])('with %s', (_sentence, record, expected) => {
    expect(parseRecord(record)).toEqual({ ...plain, text: textOf(record), ...expected });
  });

  it('accepts the nulls that PyAirbyte writes for everything absent', () => {
    const nulls = { log: null, spec: null, connectionStatus: null, catalog: null, state: null, trace: null };
    const record = { namespace: null, meta: null, file_reference: null };
    expect(parseRecord(record, nulls)).toEqual({ ...plain, text: textOf(record, nulls) });
  });

  it('keeps the numbers in data as they were written', () => {
    const text =
      '{"type":"RECORD","record":{"stream":"users","emitted_at":1700000000000.0,"data":{"id":9007199254740993,"score":5.0}}}';
    expect(parseMessage(text, 1)).toMatchObject({
      data: { id: new ExactNumber('9007199254740993'), score: new ExactNumber('5.0') },
      emittedAt: 1_700_000_000_000,
    });
  });

  it('keeps a column named __proto__', () => {
    const text = '{"type":"RECORD","record":{"stream":"users","emitted_at":1,"data":{"__proto__":{"a":1}}}}';
    const message = parseMessage(text, 1);
    expect(message.kind === 'record' && Object.keys(message.data)).toEqual(['__proto__']);
  });

  it.each<[string, object, string]>([
    ['no stream', { stream: undefined }, 'record.stream'],
    ['a stream that is not text', { stream: 5 }, 'record.stream'],
    ['a namespace that is not text', { namespace: {} }, 'record.namespace'],
    ['no data', { data: undefined }, 'record.data'],
    ['null data', { data: null }, 'record.data'],
    ['an array as data', { data: [] }, 'record.data'],
    ['text as data', { data: '{}' }, 'record.data'],
    ['no emitted_at', { emitted_at: undefined }, 'record.emitted_at'],
    ['text as emitted_at', { emitted_at: '2024-01-01' }, 'record.emitted_at'],
    [
      'a change without its field',
      { meta: { changes: [{ change: 'NULLED' }] } },
      'record.meta.changes.0.field',
    ],
  ])('is broken with %s', (_sentence, record, place) => {
    expect(() => parseRecord(record)).toThrow(place);
    expect(() => parseRecord(record)).toThrow(ProtocolError);
  });
});

describe('STATE', () => {
  const descriptor = { name: 'users', namespace: 'public' };

  it.each<[string, object, object]>([
    [
      'STREAM',
      { type: 'STREAM', stream: { stream_descriptor: descriptor, stream_state: { c: 1 } } },
      { scope: 'stream', stream: descriptor },
    ],
    [
      'STREAM with nulls',
      {
        type: 'STREAM',
        stream: { stream_descriptor: { name: 'users', namespace: null }, stream_state: null },
      },
      { scope: 'stream', stream: { name: 'users' } },
    ],
    [
      'STREAM without a state of its own',
      { type: 'STREAM', stream: { stream_descriptor: { name: 'users' } }, global: null, data: null },
      { scope: 'stream', stream: { name: 'users' } },
    ],
    [
      'GLOBAL',
      { type: 'GLOBAL', global: { shared_state: {}, stream_states: [{ stream_descriptor: descriptor }] } },
      { scope: 'global' },
    ],
    [
      'GLOBAL without streams',
      { type: 'GLOBAL', global: { stream_states: [] }, stream: null },
      { scope: 'global' },
    ],
    [
      'GLOBAL under the name that PyAirbyte gives it',
      { type: 'GLOBAL', global: null, global_: { shared_state: null, stream_states: [] } },
      { scope: 'global' },
    ],
    ['LEGACY', { type: 'LEGACY', data: { cursor: 1 } }, { scope: 'legacy' }],
    ['no type', { data: { cursor: 1 } }, { scope: 'legacy' }],
    ['a null type', { type: null, data: null }, { scope: 'legacy' }],
    ['nothing in it', {}, { scope: 'legacy' }],
  ])('with %s', (_sentence, state, expected) => {
    const text = JSON.stringify({ type: 'STATE', state: { ...state, id: 3, more: 1 } });
    expect(parseMessage(text, 7)).toEqual({ kind: 'state', line: 7, text, ...expected });
  });

  it('keeps its text verbatim, except for spaces around it', () => {
    const text = '{ "state" :{"data":{"id":9007199254740993,"x":5.0, "y":"\\u0041"}} ,"type":"STATE"}';
    expect(parseMessage(`  ${text}\t `, 1)).toMatchObject({ text });
  });

  it.each<[string, object, string]>([
    ['no state', {}, 'state: '],
    ['a null state', { state: null }, 'state: '],
    ['an unknown type', { state: { type: 'PARTIAL' } }, 'state.type'],
    ['a STREAM that is missing', { state: { type: 'STREAM' } }, 'state.stream'],
    [
      'a STREAM without a descriptor',
      { state: { type: 'STREAM', stream: {} } },
      'state.stream.stream_descriptor',
    ],
    [
      'a STREAM without a name',
      { state: { type: 'STREAM', stream: { stream_descriptor: { namespace: 'public' } } } },
      'state.stream.stream_descriptor.name',
    ],
    ['a GLOBAL that is missing', { state: { type: 'GLOBAL', global: null } }, 'state.global'],
    ['a GLOBAL without streams', { state: { type: 'GLOBAL', global: {} } }, 'state.global.stream_states'],
  ])('is broken with %s', (_sentence, message, place) => {
    expect(() => parseMessage(JSON.stringify({ type: 'STATE', ...message }), 7)).toThrow(place);
  });
});

describe('TRACE', () => {
  function status(value: unknown, descriptor: unknown = { name: 'users', namespace: null }) {
    const stream_status = { stream_descriptor: descriptor, status: value, reasons: null };
    const trace = { type: 'STREAM_STATUS', emitted_at: 1.5, error: null, stream_status };
    return parseMessage(JSON.stringify({ type: 'TRACE', trace }), 7);
  }

  it.each(['STARTED', 'RUNNING', 'COMPLETE', 'INCOMPLETE'])('with the stream status %s', (value) => {
    expect(status(value)).toEqual({
      kind: 'streamStatus',
      line: 7,
      stream: { name: 'users' },
      status: value,
    });
  });

  it('with an unknown status is ignored', () => {
    expect(status('PAUSED')).toMatchObject({ kind: 'ignored', line: 7, what: 'known' });
  });

  it.each(['ERROR', 'ESTIMATE', 'ANALYTICS', 'SOMETHING_NEW'])('of type %s is ignored', (type) => {
    expect(parseMessage(JSON.stringify({ type: 'TRACE', trace: { type } }), 7)).toMatchObject({
      kind: 'ignored',
      what: 'known',
    });
  });

  it.each<[string, object, string]>([
    ['no trace', {}, 'trace: '],
    ['no type', { trace: { emitted_at: 1 } }, 'trace.type'],
    ['no status', { trace: { type: 'STREAM_STATUS', stream_status: null } }, 'trace.stream_status'],
  ])('is broken with %s', (_sentence, message, place) => {
    expect(() => parseMessage(JSON.stringify({ type: 'TRACE', ...message }), 7)).toThrow(place);
  });

  it('is broken when it does not name the stream of the status', () => {
    expect(() => status('COMPLETE', null)).toThrow('trace.stream_status.stream_descriptor');
    expect(() => status(null)).toThrow('trace.stream_status.status');
  });
});

describe('any other message', () => {
  it.each([
    ['LOG', '{"type":"LOG","log":{"level":"INFO","message":"hi"}}', 'known'],
    ['CONTROL', '{"type":"CONTROL","control":{}}', 'known'],
    ['CATALOG', '{"type":"CATALOG"}', 'known'],
    ['SPEC', '{"type":"SPEC","spec":{}}', 'known'],
    ['CONNECTION_STATUS', '{"type":"CONNECTION_STATUS"}', 'known'],
    ['DESTINATION_CATALOG', '{"type":"DESTINATION_CATALOG"}', 'known'],
    ['an unknown type', '{"type":"SOMETHING_NEW"}', 'unknown'],
    [
      'an unknown type with contents, and PyAirbyte’s nulls',
      '{"type":"NEWS","news":{"a":1},"log":null}',
      'unknown',
    ],
    ['a type in lower case', '{"type":"customer"}', 'row'],
    ['a type with columns', '{"type":"CUSTOMER","EMAIL":"a@x.com"}', 'row'],
    [
      'a type with a column that has the name of a message’s contents',
      '{"type":"customer","state":{"code":"TX"}}',
      'row',
    ],
  ])('is ignored: %s', (_sentence, text, what) => {
    expect(parseMessage(text, 1)).toEqual({ kind: 'ignored', line: 1, bytes: text.length, what });
  });

  it.each([
    ['no type', '{"record":{"stream":"users"}}', 'type: is missing'],
    ['a null type', '{"type":null}', 'type: is missing'],
    ['a type that is not text', '{"type":5,"record":{"stream":"users"}}', 'type: must be text'],
    ['not an object', '["RECORD"]', 'message: '],
    [
      'a type in lower case',
      '{"type":"record","record":{"stream":"users"}}',
      'has a type that must be written RECORD, in capitals and without blanks',
    ],
    ['a type in lower case without contents', '{"type":"record"}', 'must be written RECORD'],
    ['blanks around its type', '{"type":" STATE ","state":{}}', 'must be written STATE'],
    ['a blank in its type', '{"type":"Connection Status"}', 'must be written CONNECTION_STATUS'],
    [
      'a record under an unknown type',
      '{"type":"RECORDS","record":{"stream":"users","data":{}}}',
      'carries a record, but its type is not RECORD',
    ],
    [
      'a state under an unknown type',
      '{"type":"CHECKPOINT","state":{"type":"STREAM"}}',
      'carries a state, but its type is not STATE',
    ],
    ['the format of Singer', '{"type":"RECORD","stream":"users","record":{"id":1}}', 'of a Singer tap'],
    [
      'a comma after it, as in a JSON array',
      '{"type":"RECORD"},',
      'is not valid JSON. It looks like an element of a JSON array',
    ],
    ['the end of a JSON array after it', '{"type":"RECORD"} ]', 'It looks like an element of a JSON array'],
    [
      'JSON over several lines',
      '{',
      'is not valid JSON. It looks like JSON that is spread over several lines',
    ],
    ['JSON over several lines, with a column', '{"type":"RECORD",', 'spread over several lines'],
  ])('is broken with %s', (_sentence, text, problem) => {
    expect(() => parseMessage(text, 1)).toThrow(ProtocolError);
    expect(() => parseMessage(text, 1)).toThrow(problem);
  });

  it.each([
    ['columns', '{"email":"secret@x.com"}'],
    ['a column type of numbers', '{"type":5,"email":"secret@x.com"}'],
    ['nothing but such a column', '{"type":5}'],
    ['a column type whose value resembles a message’s type', '{"type":"log","email":"secret@x.com"}'],
    ['a null type', '{"type":null,"email":"secret@x.com"}'],
    ['a column that has the name of a message’s contents', '{"email":"secret@x.com","state":"TX"}'],
  ])('is a bare row, not a message, with %s', (_sentence, text) => {
    const row = () => parseMessage(text, 3);
    expect(row).toThrow(ConfigError);
    expect(row).toThrow(
      `Line 3 of the input (${text.length} bytes) is a bare JSON row, not an Airbyte message; wrap each row: ` +
        '{"type":"RECORD","record":{"stream":"users","emitted_at":0,"data":{…}}}',
    );
  });
});

describe('the error of a broken message', () => {
  function errorOf(text: string, isUnterminated = false): ProtocolError {
    try {
      parseMessage(text, 12, isUnterminated);
    } catch (error) {
      return error as ProtocolError;
    }
    throw new Error('nothing thrown');
  }

  it('names the line and its length in bytes', () => {
    const error = errorOf('{"é"');
    expect([error.code, error.failureType]).toEqual(['broken_message', 'system_error']);
    expect(error.message).toBe('Line 12 of the input (5 bytes) begins like a message but is not valid JSON.');
  });

  it('reports when the input seems cut off', () => {
    expect(errorOf('{"type":"REC', true).message).toBe(
      'Line 12 of the input (12 bytes) begins like a message but is not valid JSON.' +
        ' The input ends within this line: it seems cut off in mid-line.',
    );
  });

  it('does not report that for complete JSON', () => {
    expect(errorOf('{"type":"STATE"}', true).message).not.toContain('cut off');
  });

  it('never quotes the line, and has no cause that does', () => {
    const secret = 'jane@example.com';
    for (const text of [
      `{"type":"RECORD","record":{"data":{"email":"${secret}`,
      `{"type":"RECORD","record":{"stream":["${secret}"],"data":"${secret}","emitted_at":"${secret}"}}`,
      `{"type":"STATE","state":{"type":"${secret}"}}`,
      `{"type":"TRACE","trace":{"type":["${secret}"]}}`,
    ]) {
      const error = errorOf(text);
      expect(`${error.message} ${error.stack ?? ''}`).not.toContain(secret);
      expect(error.cause).toBeUndefined();
    }
  });
});

describe('a RECORD that is read without its schema', () => {
  const odd = fc.constantFrom<unknown>(null, undefined, '', 'x', 0, 1.5, true, [], {}, [{}]);
  const changes = fc.oneof(odd, fc.constant([{ field: 'a', change: 'NULLED' }]));
  const record = fc.record(
    {
      stream: fc.oneof(odd, fc.constant('users')),
      namespace: odd,
      data: fc.oneof(odd, fc.constant({ id: 1 })),
      emitted_at: odd,
      meta: fc.oneof(odd, fc.record({ changes }, { requiredKeys: [] })),
    },
    { requiredKeys: [] },
  );

  it('is accepted exactly when the schema accepts it', () => {
    fc.assert(
      fc.property(fc.oneof(odd, record, record, record), (record) => {
        const text = JSON.stringify({ type: 'RECORD', record });
        const isGood = recordSchema.safeParse(JSON.parse(text)).success;
        if (isGood) expect(parseMessage(text, 1).kind).toBe('record');
        else expect(() => parseMessage(text, 1)).toThrow(ProtocolError);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves an emitted_at that is not a finite number to the schema, which refuses it', () => {
    const text = textOf({}).replace('1700000000000', '1e999');
    expect(() => parseMessage(text, 1)).toThrow(ProtocolError);
  });
});
