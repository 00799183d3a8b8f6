import { describe, expect, it } from '@jest/globals';
import { redactor } from '../../src/config/secrets.ts';
import { loadSpec, secretValues, specDefaults } from '../../src/config/spec.ts';

describe('secrets', () => {
  it('finds what the spec marks as secret', () => {
    expect(secretValues(loadSpec(), { api_key: 'k3y', data_center: 'us' })).toEqual(['k3y']);
    expect(secretValues(loadSpec(), { api_key: 5 })).toEqual([]);
    expect(secretValues(loadSpec(), 'not an object')).toEqual([]);
  });

  it('hides them verbatim, JSON-escaped and URL-encoded', () => {
    const redact = redactor(['a"b/c']);
    expect(redact('x a"b/c y a\\"b/c z a%22b%2Fc')).toBe('x **** y **** z ****');
  });

  it('hides one with a lone surrogate, which can’t be URL-encoded', () => {
    expect(redactor(['a\ud800b'])('x a\ud800b y')).toBe('x **** y');
  });

  it('hides the longer of two secrets whole', () => {
    expect(redactor(['abc', 'abcdef'])('abcdef abc')).toBe('**** ****');
  });
});

describe('specDefaults', () => {
  it('are those of spec.json', () => {
    expect(specDefaults(loadSpec())).toEqual({
      lists: [],
      create_missing_lists: true,
      removal: 'delete_user',
      ledger: { type: 'none' },
      changed_fields_only: true,
      resend_unchanged: false,
      max_removals_percent: 20,
      trust_end_of_input: false,
      rejected_records: { type: 'none' },
      max_rejected_percent: 100,
      retry_minutes: 30,
      attempt_timeout_seconds: 60,
      data_center: 'us',
      project_type: 'hybrid',
      identify_by: 'email',
      sync_mode: 'sync',
      mappings: [],
      deletion_column: '_ab_cdc_deleted_at',
      merge_nested_objects: true,
      create_new_fields: true,
      batch_size: 1000,
    });
  });
});
