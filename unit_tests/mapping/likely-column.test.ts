import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/json.ts';
import { likelyColumn, SeenColumns, USUAL_COLUMNS } from '../../src/mapping/likely-column.ts';

describe('the likely column', () => {
  it.each([
    ['in capitals', ['NAME', 'EMAIL'], 'EMAIL'],
    ['with punctuation', ['name', 'E-Mail'], 'E-Mail'],
    ['with spaces', ['name', ' e mail '], ' e mail '],
    ['equal, before one that only contains it', ['email_opt_in', 'user_email', 'Email'], 'Email'],
    ['by another common name', ['name', 'Mail'], 'Mail'],
    ['with more after it', ['name', 'email_address'], 'email_address'],
    ['with more before it', ['name', 'user_email'], 'user_email'],
    ['in camel case', ['emailAddress', 'userName'], 'emailAddress'],
    ['at the end of a name, before one at the beginning', ['email_hash', 'primary_email'], 'primary_email'],
    ['the shorter one of two', ['customer_email', 'my_email'], 'my_email'],
    ['with two letters swapped', ['name', 'emial'], 'emial'],
    ['with a letter missing', ['name', 'emal'], 'emal'],
    ['no similar column', ['name', 'city', 'detail'], undefined],
    ['no columns', [], undefined],
  ])('for an email: %s', (_name, columns, likely) => {
    expect(likelyColumn(USUAL_COLUMNS.email, columns)).toBe(likely);
  });

  it.each([
    [['ID', 'NAME'], 'ID'],
    [['id', 'user_id'], 'user_id'],
    [['USERID', 'name'], 'USERID'],
    [['name', 'customer_id'], 'customer_id'],
    [['id', 'external_user_id'], 'id'],
    [['name', 'crm_user_id'], 'crm_user_id'],
    [['name', 'usreid'], 'usreid'],
    [['paid', 'campaign_id', 'valid'], undefined],
  ])('for a user id among %j: %s', (columns, likely) => {
    expect(likelyColumn(USUAL_COLUMNS.userId, columns)).toBe(likely);
  });

  it.each([
    ['mail', ['MAIL', 'name'], 'MAIL'],
    ['contact.email', ['contact', 'contact.EMail'], 'contact.EMail'],
    ['customer_email_address', ['name', 'email'], 'email'],
    ['id', ['valid', 'order_id'], 'order_id'],
  ])('for the source %s of a mapping among %j: %s', (source, columns, likely) => {
    expect(likelyColumn([source], columns)).toBe(likely);
  });
});

describe('seen columns', () => {
  const seen = (...records: JsonObject[]) => {
    const columns = new SeenColumns();
    for (const record of records) columns.note(record, ['email', 'a.b']);
    return columns;
  };

  it('include those of all records, except Airbyte’s own', () => {
    const columns = seen({ NAME: 'A', _airbyte_raw_id: 1, _ab_cdc_lsn: 2 }, { NAME: 'B', CITY: null });
    expect([columns.records, columns.names]).toEqual([2, ['NAME', 'CITY']]);
  });

  it('lack a path that no record has, also inside objects', () => {
    expect(seen({ x: 1 }).lacks('email')).toBe(true);
    expect(seen({ x: 1 }, { email: null }).lacks('email')).toBe(false);
    expect(seen({ a: {} }).lacks('a.b')).toBe(true);
    expect(seen({ a: { b: 1 } }).lacks('a.b')).toBe(false);
    expect(seen({ x: 1 }).lacks('never looked for')).toBe(false);
  });

  it('are likely only if they have a value that may identify a user, also one level into objects', () => {
    const likely = (record: JsonObject) => seen(record).likely(USUAL_COLUMNS.email);
    expect(likely({ email_verified: true, email_list: [], contact_email: 'x' })).toBe('contact_email');
    expect(likely({ email_verified: true })).toBeUndefined();
    expect(likely({ properties: { email: 'x' } })).toBe('properties.email');
    expect(likely({ email: { value: 'x' } })).toBe('email.value');
  });

  it('are never likely if the column name is an email', () => {
    expect(seen({ 'ada@email.com': 'x' }).likely(USUAL_COLUMNS.email)).toBeUndefined();
  });
});
