/** Records that don't match the schema of the catalog don't stop the sync. */
import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';

const SCHEMA = {
  type: 'object',
  properties: { email: { type: 'string' }, name: { type: 'string' }, age: { type: 'integer' } },
};
const RECORDS = [
  aRecord({ email: 'whole@x.com', name: 'Whole', age: 1 }),
  aRecord({ email: 'less@x.com' }),
  aRecord({ email: 'more@x.com', name: 'More', age: 2, surprise: { deep: [1] } }),
  aRecord({ other: 1, surprise: 'no column that the catalog or a mapping knows' }),
  aRecord({}),
  aRecord({ email: 'last@x.com', name: 'Last' }),
];

describe('records that lack columns, or have columns that are not in the schema', () => {
  it.each([
    ['an empty schema', {}],
    ['a schema of other columns', { type: 'object', properties: { unlike: { type: 'string' } } }],
    ['the schema of the first', SCHEMA],
    ['a schema that allows no others', { ...SCHEMA, additionalProperties: false }],
  ])('are delivered, or rejected if they have no identifier: %s', (_name, jsonSchema) =>
    withHarness({}, async (harness) => {
      const result = await harness.write([...RECORDS, aState(1)], {
        catalog: aCatalog(aStream({ jsonSchema })),
        config: { mappings: ['email', 'name', 'age'].map((name) => ({ source: name, target: name })) },
      });
      expect(result.errors).toEqual([]);
      expect(result.exitCode).toBe(0);
      expect(harness.standin.store.users()).toEqual([
        { email: 'whole@x.com', dataFields: { name: 'Whole', age: 1 } },
        { email: 'less@x.com', dataFields: {} },
        { email: 'more@x.com', dataFields: { name: 'More', age: 2 } },
        { email: 'last@x.com', dataFields: { name: 'Last' } },
      ]);
      expect(result.states[0]).toContain('"destinationStats":{"recordCount":4.0,"rejectedRecordCount":2.0}');
    }),
  );
});
