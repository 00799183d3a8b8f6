import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/json.ts';
import { likelyColumn, SeenColumns, USUAL_COLUMNS } from '../../src/mapping/likely-column.ts';

describe('the likely column', () => {
  it.each([
    ['in capitals', ['NAME', 'EMAIL'], 'EMAIL'],
    ['with signs', ['name', 'E-Mail'], 'E-Mail'],
    ['with blanks', ['name', ' e mail '], ' e mail '],
    ['equal, before one that only contains it', ['email_opt_in', 'user_email', 'Email'], 'Email'],
    ['by another usual name', ['name', 'Mail'], 'Mail'],
    ['with more after it', ['name', 'email_address'], 'email_address'],
    ['with more before it', ['name', 'user_email'], 'user_email'],
    ['in camel case', ['emailAddress', 'userName'], 'emailAddress'],
    ['at the end of a name, before one at the beginning', ['email_hash', 'primary_email'], 'primary_email'],
    ['the shorter one of two', ['customer_email', 'my_email'], 'my_email'],
    ['with two letters swapped', ['name', 'emial'], 'emial'],
    ['with a letter missing', ['name', 'emal'], 'emal'],
    ['none that is like it', ['name', 'city', 'detail'], undefined],
    ['none at all', [], undefined],
  ])('for an address: %s', (_name, columns, likely) => {
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

  it('are those of all records, without Airbyte’s own', () => {
    const columns = seen({ NAME: 'A', _airbyte_raw_id: 1, _ab_cdc_lsn: 2 }, { NAME: 'B', CITY: null });
    expect([columns.records, columns.names]).toEqual([2, ['NAME', 'CITY']]);
  });

  it('lack a path that no record has, also inside of objects', () => {
    expect(seen({ x: 1 }).lacks('email')).toBe(true);
    expect(seen({ x: 1 }, { email: null }).lacks('email')).toBe(false);
    expect(seen({ a: {} }).lacks('a.b')).toBe(true);
    expect(seen({ a: { b: 1 } }).lacks('a.b')).toBe(false);
    expect(seen({ x: 1 }).lacks('never looked for')).toBe(false);
  });

  it('are likely only where they hold what may name a user, one level into objects, too', () => {
    const likely = (record: JsonObject) => seen(record).likely(USUAL_COLUMNS.email);
    expect(likely({ email_verified: true, email_list: [], contact_email: 'x' })).toBe('contact_email');
    expect(likely({ email_verified: true })).toBeUndefined();
    expect(likely({ properties: { email: 'x' } })).toBe('properties.email');
    expect(likely({ email: { value: 'x' } })).toBe('email.value');
  });

  it('are never likely where an address stands in the place of a name', () => {
    expect(seen({ 'ada@email.com': 'x' }).likely(USUAL_COLUMNS.email)).toBeUndefined();
  });
});
