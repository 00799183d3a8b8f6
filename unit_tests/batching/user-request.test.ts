import { describe, expect, it } from '@jest/globals';
import { readText, TextPages } from '../../src/batching/text-pages.ts';
import { buildUserRequest, userIdentity } from '../../src/batching/user-request.ts';
import type { UserKey } from '../../src/model.ts';

const EMAIL: UserKey = { kind: 'email', value: 'a@x' };
const USER_ID: UserKey = { kind: 'userId', value: '7' };

describe('preferUserId', () => {
  it.each([
    ['an id, if enabled', USER_ID, true, '"preferUserId":true'],
    ['an id, if not enabled', USER_ID, false, undefined],
    ['an email, which never has it', EMAIL, true, undefined],
  ])('%s', (_name, key, preferUserId, expected) => {
    const texts = new TextPages();
    const request = buildUserRequest(key, {}, { mergeNestedObjects: true, preferUserId }, texts);
    for (const text of [request, userIdentity(key, { preferUserId }, texts)])
      expect(/"preferUserId":\w+/.exec(readText(text))?.[0]).toBe(expected);
  });
});
