import { describe, expect, it } from '@jest/globals';
import { bulk, call, text, withStandin } from './client.ts';

const ALL = '/api/export/data.json?dataTypeName=user&range=All';
const BOTH = `${ALL}&onlyFields=email&onlyFields=userId`;

describe('export/data.json', () => {
  it('returns every profile as one line with the requested fields', () =>
    withStandin({ projectType: 'email' }, async (standin) => {
      await bulk(standin, [
        { email: 'A@x.com', dataFields: { userId: '"1"', n: 1 } },
        { email: 'b@x.com' },
        { userId: '3', preferUserId: true },
      ]);
      expect(await text(standin, BOTH)).toEqual({
        status: 200,
        type: 'application/x-json-stream',
        text:
          '{"email":"a@x.com","userId":"\\"1\\""}\n{"email":"b@x.com"}\n' +
          '{"email":"3@placeholder.email","userId":"3"}\n',
      });
      expect((await text(standin, `${ALL}&onlyFields=userId`)).text).toBe(
        '{"userId":"\\"1\\""}\n{}\n{"userId":"3"}\n',
      );
      expect(standin.unexpected).toEqual([]);
    }));

  it('returns an empty answer if there are no users', () =>
    withStandin({}, async (standin) => {
      expect(await text(standin, BOTH)).toMatchObject({ status: 200, text: '' });
    }));

  it('sends many profiles piece by piece, each line once', () =>
    withStandin({}, async (standin) => {
      const count = 100_000;
      for (let n = 0; n < count; n++) {
        standin.store.write({
          userId: `${n}`,
          dataFields: {},
          preferUserId: false,
          mergeNestedObjects: false,
        });
      }
      const response = await fetch(standin.url + BOTH, { headers: { 'Api-Key': standin.apiKey } });
      expect(response.headers.get('Content-Length')).toBeNull();
      const lines = (await response.text()).trimEnd().split('\n');
      expect(lines).toHaveLength(count);
      expect(new Set(lines.map((line) => (JSON.parse(line) as { userId: string }).userId)).size).toBe(count);
      expect(standin.requests).toMatchObject([{ status: 200, answeredAt: expect.any(Number) }]);
    }));

  it('tolerates a client that disconnects in the middle', () =>
    withStandin({}, async (standin) => {
      for (let n = 0; n < 200_000; n++) {
        standin.store.write({
          userId: `${n}`,
          dataFields: {},
          preferUserId: false,
          mergeNestedObjects: false,
        });
      }
      const hangUp = new AbortController();
      await fetch(standin.url + BOTH, { headers: { 'Api-Key': standin.apiKey }, signal: hangUp.signal });
      hangUp.abort();
      expect((await call(standin, 'GET', '/api/lists')).status).toBe(200);
    }));

  it.each([
    ['no type of data', '/api/export/data.json?range=All&onlyFields=email'],
    ['another type of data', '/api/export/data.json?dataTypeName=purchase&range=All&onlyFields=email'],
    ['no range', '/api/export/data.json?dataTypeName=user&onlyFields=email'],
    ['another range', '/api/export/data.json?dataTypeName=user&range=Today&onlyFields=email'],
    ['a range twice', `${BOTH}&range=All`],
    ['whole profiles', ALL],
    ['other fields', `${ALL}&onlyFields=city`],
    ['fields with commas', `${ALL}&onlyFields=email,userId`],
    ['an unknown property', `${BOTH}&format=json`],
  ])('%s is refused', (_name, path) =>
    withStandin({}, async (standin) => {
      const answer = await call(standin, 'GET', path);
      expect([answer.status, answer.body.code]).toEqual([400, 'BadParams']);
      expect(standin.unexpected).toHaveLength(1);
    }),
  );

  it('is limited to four calls a minute', async () => {
    let now = 0;
    await withStandin({ limitScale: 1, now: () => now }, async (standin) => {
      const statuses: number[] = [];
      for (let n = 0; n < 5; n++) statuses.push((await text(standin, BOTH)).status);
      expect(statuses).toEqual([200, 200, 200, 200, 429]);
      now = 15_000;
      expect((await text(standin, BOTH)).status).toBe(200);
    });
  });
});
