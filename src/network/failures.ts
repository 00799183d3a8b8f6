/**
 * Why a connection failed, in words. Uses the error code only: a library's message may quote a URL, which may contain
 * an email address.
 */
import { ConfigError } from '../errors.ts';
import { through, type Proxy } from './proxies.ts';

const PREFIX = 'ERR_PROXY_';
/**
 * The issuer of the certificate is not trusted on this machine.
 * https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
const UNTRUSTED = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
];
const OTHER_HOST = 'ERR_TLS_CERT_ALTNAME_INVALID';
/** Errors of a TLS connection to a server that does not speak TLS. */
const NO_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'];
const EXTRA_CA =
  'name the file with the certificate of its authority (PEM) in the environment variable NODE_EXTRA_CA_CERTS';

/** The proxy itself refused or failed. */
export class ProxyError extends Error {
  /** A string, since the HTTP libraries pass on nothing else of an error. */
  readonly code: string;

  /** @param what the HTTP status that the proxy answered with, or the code of the connection's error */
  constructor(what: string) {
    super(`the proxy stands in the way (${what})`);
    this.name = 'ProxyError';
    this.code = PREFIX + what;
  }
}

export interface RequestTarget {
  /** The host that the request was for. */
  readonly host: string;
  readonly proxy: Proxy | undefined;
}

/** True if the proxy failed, and not the host behind it. */
export function isOfProxy(code: string): boolean {
  return code.startsWith(PREFIX);
}

/** The proxy's failure as a clause: `the proxy proxy.corp:3128 can't be reached (ECONNREFUSED)`. */
export function describeProxyFailure(code: string, { name }: Proxy): string {
  const what = code.slice(PREFIX.length);
  if (/^\d+$/.test(what)) return `the proxy ${name} refuses the connection (HTTP ${what})`;
  return what === ''
    ? `the proxy ${name} gives no HTTP answer`
    : `the proxy ${name} can't be reached (${what})`;
}

/** The error for a failure that only the operator can fix; undefined for failures that may be temporary. */
export function operatorsFault(code: string, { host, proxy }: RequestTarget): ConfigError | undefined {
  if (proxy && isOfProxy(code)) return faultOfProxy(code.slice(PREFIX.length), proxy);
  const certificate = `The certificate that ${host} shows${through(proxy)}`;
  if (UNTRUSTED.includes(code))
    return refusedCertificate(
      `${certificate} is not trusted (${code}). If it is a server of your own, or your network inspects TLS, ${EXTRA_CA}.`,
    );
  if (code === OTHER_HOST)
    return refusedCertificate(
      `${certificate} is another host's (${code}). See whether the host is the right one.`,
    );
  return undefined;
}

/** The proxy requires a login (HTTP 407), and none is configured or it was refused. */
export function refusedByProxy({ name, authorization, variable }: Proxy): ConfigError {
  const what =
    authorization === undefined
      ? 'asks for a user name and a password (HTTP 407). Write them'
      : 'refuses the user name or the password (HTTP 407). Correct them';
  return unusable(
    `${variable}: the proxy ${name} ${what} in the environment variable, as in http://user:password@host:port, with special characters percent-encoded.`,
  );
}

function faultOfProxy(what: string, proxy: Proxy): ConfigError | undefined {
  const { name, variable } = proxy;
  if (what === '407') return refusedByProxy(proxy);
  if (UNTRUSTED.includes(what))
    return refusedCertificate(
      `${variable}: the certificate of the proxy ${name} is not trusted (${what}). To trust it, ${EXTRA_CA}.`,
    );
  if (what === OTHER_HOST)
    return refusedCertificate(
      `${variable}: the certificate of the proxy ${name} is another host's (${what}). Name the proxy as its certificate does.`,
    );
  if (NO_TLS.includes(what))
    return unusable(
      `${variable}: the proxy ${name} does not speak TLS itself (${what}). Write http:// instead of https:// in front of its name; what is sent to Iterable stays encrypted.`,
    );
  return undefined;
}

function unusable(problem: string): ConfigError {
  return new ConfigError([problem], { code: 'proxy_unusable' });
}

function refusedCertificate(problem: string): ConfigError {
  return new ConfigError([problem], { code: 'certificate_refused' });
}
