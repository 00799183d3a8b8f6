/** Turns a call that failed for good into an error for the operator: what is wrong, and what to change. */
import { ConfigError, shortened, TransientError } from '../errors.ts';
import { ApiError } from '../iterable/errors.ts';
import { fieldsLimitParamsSchema } from '../iterable/schemas.ts';
import { durationText } from '../retry.ts';
import { meaningOf } from './classify.ts';

/** Beyond this number, fields are counted instead of named. */
const MAX_FIELDS_NAMED = 20;
const MAX_NAME_LENGTH = 100;

/** The error for a refusal that only the operator can resolve; it names the option to change. */
export function explainStop(error: ApiError): ConfigError {
  const { status, apiCode = '' } = error;
  if (apiCode === 'UniqueFieldsLimitExceeded') return explainFieldsLimit(error);
  if (meaningOf(error)?.cause === 'key') {
    const answer = [`HTTP ${status}`, apiCode, error.via.trim()].filter(Boolean).join(', ');
    return apiCode.startsWith('Forbidden') || (status === 403 && !REFUSED_KEY.includes(apiCode))
      ? new ConfigError(
          [
            `api_key: the key lacks a permission (${answer}). Use a server-side (standard) key of the project.`,
          ],
          { code: 'api_key_forbidden', cause: error },
        )
      : new ConfigError(
          [
            `api_key: Iterable refused the key (${answer}). Check that it is a server-side key, copied whole, and that data_center is the project's.`,
          ],
          { code: 'api_key_refused', cause: error },
        );
  }
  return new ConfigError([`${error.message}. Check api_url, if it is set, and data_center.`], {
    code: 'api_not_found',
    cause: error,
  });
}

/** Codes that mean a wrong key even with HTTP 403, which otherwise means a missing permission. */
const REFUSED_KEY = ['BadApiKey', 'Unauthorized', 'BadAuthorizationHeader'];

/** The error for a call that did not succeed within its time budget. */
export function explainGivingUp(error: Error, callBudgetMs: number): TransientError {
  const span = durationText(callBudgetMs);
  if (error instanceof ApiError && meaningOf(error)?.cause === 'intermediary') {
    return new TransientError(
      'gateway_refuses',
      `Something between the connector and Iterable refuses calls, and did so for ${span}: a proxy, firewall or gateway answered ${error.endpoint}${error.via} ` +
        `with HTTP ${error.status}, without Iterable's own answer. Have it let the connector through to Iterable, then run the sync again.`,
      { cause: error },
    );
  }
  const isTooLong = error instanceof ApiError && (error.retryAfterMs ?? 0) > callBudgetMs;
  const what = isTooLong
    ? `Iterable asks for a pause of more than the ${span} for which a call is tried`
    : `Iterable did not accept a call for ${span}`;
  return new TransientError(
    'iterable_unavailable',
    `${what}; the last try: ${error.message}. Run the sync again later.`,
    { cause: error },
  );
}

function explainFieldsLimit(error: ApiError): ConfigError {
  const {
    limit,
    requestedTotal,
    newFields = [],
  } = fieldsLimitParamsSchema.safeParse(error.params).data ?? {};
  const sizes = [
    ...(limit == null ? [] : [`it may have ${limit}`]),
    ...(requestedTotal == null ? [] : [`it would have ${requestedTotal}`]),
  ];
  const named = newFields.slice(0, MAX_FIELDS_NAMED).map((name) => shortened(name, MAX_NAME_LENGTH));
  if (newFields.length > named.length) named.push(`and ${newFields.length - named.length} more`);
  const names = named.length === 0 ? '' : `. New are: ${named.join(', ')}`;
  return new ConfigError(
    [
      `Iterable has no room for more user fields in the project${sizes.length === 0 ? '' : ` (${sizes.join(', ')})`}${names}. No record is at fault, and none is rejected for it. ` +
        'Take the mappings of new fields out, delete fields of the project in Iterable, or set create_new_fields to false.',
    ],
    { code: 'too_many_fields', cause: error },
  );
}
