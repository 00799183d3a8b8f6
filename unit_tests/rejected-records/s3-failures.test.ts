import { describe, expect, it } from '@jest/globals';
import { describeS3Failure, s3Refusal } from '../../src/rejected-records/s3-failures.ts';

const location = { s3_bucket_name: 'b', s3_bucket_region: 'eu-west-1' };

/** An error such as the SDK throws. */
function anError(name: string, { status, code }: { status?: number; code?: string } = {}): Error {
  const error = Object.assign(new Error('AKIA-SECRET'), {
    $metadata: status ? { httpStatusCode: status } : {},
  });
  error.name = name;
  return code === undefined ? error : Object.assign(error, { code });
}

describe('failures of the S3 store', () => {
  it.each([
    ['InternalError', { status: 500 }, 'answered with HTTP 500 (InternalError)'],
    ['SlowDown', { status: 503 }, 'answered with HTTP 503 (SlowDown)'],
    ['TooManyRequests', { status: 429 }, 'answered with HTTP 429 (TooManyRequests)'],
    ['RequestTimeout', { status: 400 }, 'answered with HTTP 400 (RequestTimeout)'],
    ['OperationAborted', { status: 409 }, 'answered with HTTP 409 (OperationAborted)'],
    ['Error', { code: 'ECONNRESET' }, "can't be reached (ECONNRESET)"],
    ['Error', { code: 'ENOTFOUND' }, "can't be reached (ENOTFOUND)"],
    ['AbortError', {}, 'gave no answer in time'],
  ])('%s %j is transient', (name, facts, words) => {
    expect(s3Refusal(anError(name, facts), location)).toBeUndefined();
    expect(describeS3Failure(anError(name, facts), location)).toBe(`S3 ${words}`);
  });

  it.each([
    ['AccessDenied', { status: 403 }, 'may not write to bucket b (AccessDenied, HTTP 403)'],
    ['ExpiredToken', { status: 400 }, 'refused the key (ExpiredToken, HTTP 400)'],
    ['PermanentRedirect', { status: 301 }, 's3_bucket_region: bucket b is not in eu-west-1'],
    ['AuthorizationHeaderMalformed', { status: 400 }, 's3_bucket_region: bucket b is not in eu-west-1'],
    ['<html>', { status: 404 }, 'refused to write to bucket b (an unnamed error, HTTP 404)'],
    ['EndpointError', {}, 'refused to write to bucket b (EndpointError)'],
  ])(
    '%s %j has to be resolved by the operator; the message does not quote the store',
    (name, facts, words) => {
      const error = anError(name, facts);
      const explained = s3Refusal(error, location);
      expect(explained?.message).toContain(words);
      expect(explained?.message).toMatch(/^rejected_records\.\w+: /);
      expect(explained?.message).not.toContain('AKIA');
      expect(explained?.cause).toBeUndefined();
    },
  );
});
