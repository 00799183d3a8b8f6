/** export/data.json: every profile, one JSON object a line. */
import { toJson } from './answers.ts';
import type { Handler } from './context.ts';
import { BadRequest, queryValue } from './requests.ts';
import type { PlainUser } from './store.ts';

/** Only what the stand-in can tell without guessing: all users, and of each the identities that were asked for. */
export const exportData: Handler = ({ store }, { url }) => {
  const dataType = queryValue(url, 'dataTypeName');
  if (dataType !== 'user') throw new BadRequest(`dataTypeName ${dataType}: the stand-in has users only`);
  const range = queryValue(url, 'range');
  if (range !== 'All') throw new BadRequest(`range ${range}: the stand-in keeps no dates, so All only`);
  const fields = url.searchParams.getAll('onlyFields');
  const unknown = fields.find((field) => field !== 'email' && field !== 'userId');
  if (unknown !== undefined)
    throw new BadRequest(`onlyFields ${unknown}: the stand-in exports identities only`);
  if (fields.length === 0)
    throw new BadRequest('onlyFields is missing: the stand-in exports identities only');
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
