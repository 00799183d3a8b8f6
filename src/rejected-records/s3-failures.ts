/**
 * Explains errors of the AWS SDK to the operator. Messages contain only the name and status of an error: its text may hold
 * parts of the credentials.
 */
import { ConfigError } from '../errors.ts';
import { describeProxyFailure, isOfProxy, operatorsFault, refusedByProxy } from '../network/failures.ts';
import { through, type Proxy } from '../network/proxies.ts';
import { urlOf, type S3Location } from './s3-location.ts';

interface S3Error extends Error {
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number };
}

const BAD_KEYS = [
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
];
const OTHER_REGION = [
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
];
const NO_CREDENTIALS = ['CredentialsProviderError', 'TokenProviderError'];
/** Transient errors that come with a 4xx status. */
const PASSING = ['RequestTimeout', 'SlowDown', 'OperationAborted'];

/** True if a retry of the same write may succeed: there was no answer, or one that means a temporary problem. */
function mayPass(error: Error): boolean {
  const status = statusOf(error);
  if (status !== undefined)
    return status >= 500 || status === 429 || status === 408 || PASSING.includes(error.name);
  return networkCode(error) !== undefined || error.name === 'AbortError' || error.name === 'TimeoutError';
}

/** What happened, as a sentence without a full stop: `S3 answered with HTTP 503 (SlowDown)`. */
export function describeS3Failure(error: unknown, location: S3Location, proxy?: Proxy): string {
  const code = error instanceof Error ? networkCode(error) : undefined;
  if (proxy && code !== undefined && isOfProxy(code)) return describeProxyFailure(code, proxy);
  const where = (location.s3_endpoint ?? '') === '' ? 'S3' : 'the store at s3_endpoint';
  return `${where} ${whatHappened(error)}${through(proxy)}`;
}

function whatHappened(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  const status = statusOf(error);
  if (status !== undefined) return `answered with HTTP ${status} (${safeName(error)})`;
  const code = networkCode(error);
  if (code !== undefined) return `can't be reached (${code})`;
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'gave no answer in time';
  return `failed (${safeName(error)})`;
}

/** An error that names the option to change and the next step; undefined for a transient failure. */
export function s3Refusal(error: Error, location: S3Location, proxy?: Proxy): ConfigError | undefined {
  const fault = faultOnTheWay(error, location, proxy);
  if (fault || mayPass(error)) return fault;
  return new ConfigError([`rejected_records.${problem(error, location, proxy)}`], {
    code: 'rejected_records_unwritable',
  });
}

/** An error if the proxy or the server's certificate is at fault. */
function faultOnTheWay(error: S3Error, location: S3Location, proxy?: Proxy): ConfigError | undefined {
  const status = statusOf(error);
  if (status !== undefined) return status === 407 && proxy ? refusedByProxy(proxy) : undefined;
  return operatorsFault(networkCode(error) ?? '', { host: new URL(urlOf(location)).host, proxy });
}

function problem(
  error: Error,
  { s3_bucket_name: bucket, s3_bucket_region: region }: S3Location,
  proxy: Proxy | undefined,
): string {
  const { name } = error;
  const status = statusOf(error);
  const answer = [safeName(error), status === undefined ? '' : `HTTP ${status}`, through(proxy).trim()]
    .filter((part) => part !== '')
    .join(', ');
  if (NO_CREDENTIALS.includes(name))
    return `access_key_id: no credentials were found (${answer}). Set access_key_id and secret_access_key, or give the connector a role, a profile or the environment variables of the AWS SDK.`;
  if (BAD_KEYS.includes(name))
    return `access_key_id: the store refused the key (${answer}). Copy access_key_id and secret_access_key anew, both from the same key.`;
  if (name === 'NoSuchBucket')
    return `s3_bucket_name: there is no bucket ${bucket} (${answer}). Create it, or name one that exists.`;
  if (OTHER_REGION.includes(name))
    return `s3_bucket_region: bucket ${bucket} is not in ${region} (${answer}). Set the region that the bucket was created in.`;
  if (status === 403)
    return `s3_bucket_name: the key may not write to bucket ${bucket} (${answer}). Allow it s3:PutObject there.`;
  return `s3_bucket_name: the store refused to write to bucket ${bucket} (${answer}). Check the name, s3_bucket_region and s3_endpoint.`;
}

function statusOf(error: S3Error): number | undefined {
  return error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
}

/** The code of a network error, such as `ECONNREFUSED`; also of the error that combines the failures of all addresses of a host. */
function networkCode(error: S3Error): string | undefined {
  if (typeof error.code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(error.code)) return error.code;
  return undefined;
}

/** Restricts the error's name, which the server chooses, to harmless characters. */
function safeName({ name }: Error): string {
  return /^[A-Za-z0-9]{1,60}$/.test(name) ? name : 'an unnamed error';
}
