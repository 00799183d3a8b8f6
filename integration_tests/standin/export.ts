/** export/data.json: every profile, one JSON object per line. */
import { toJson } from './answers.ts';
import type { Handler } from './context.ts';
import { BadRequest, queryValue } from './requests.ts';
import type { PlainUser } from './store.ts';

/** Supports only what can be done without guessing Iterable's behaviour: all users, with the requested identities. */
export const exportData: Handler = ({ store }, { url }) => {
  const dataType = queryValue(url, 'dataTypeName');
  if (dataType !== 'user') throw new BadRequest(`dataTypeName ${dataType}: the stand-in supports only users`);
  const range = queryValue(url, 'range');
  if (range !== 'All')
    throw new BadRequest(`range ${range}: the stand-in stores no dates and supports only All`);
  const fields = url.searchParams.getAll('onlyFields');
  const unknown = fields.find((field) => field !== 'email' && field !== 'userId');
  if (unknown !== undefined)
    throw new BadRequest(`onlyFields ${unknown}: the stand-in exports only identities`);
  if (fields.length === 0)
    throw new BadRequest('onlyFields is missing: the stand-in exports only identities');
  return { status: 200, contentType: 'application/x-json-stream', pieces: lines(store.each(), fields) };
};

function* lines(users: Iterable<PlainUser>, fields: readonly string[]): Generator<string> {
  for (const { email, userId } of users) {
    yield `${toJson({
      ...(email !== undefined && fields.includes('email') ? { email } : {}),
      ...(userId !== undefined && fields.includes('userId') ? { userId } : {}),
    })}\n`;
  }
}
