import { describe, expect, it } from '@jest/globals';
import {
  describeProxyFailure,
  isOfProxy,
  operatorsFault,
  ProxyError,
  refusedByProxy,
} from '../../src/network/failures.ts';
import type { Proxy } from '../../src/network/proxies.ts';

const host = 'api.iterable.com';
const proxy: Proxy = {
  url: 'http://proxy.corp:3128',
  name: 'proxy.corp:3128',
  authorization: undefined,
  variable: 'HTTPS_PROXY',
};

describe('a failure of the proxy', () => {
  it.each([
    ['503', 'the proxy proxy.corp:3128 refuses the connection (HTTP 503)'],
    ['ECONNREFUSED', "the proxy proxy.corp:3128 can't be reached (ECONNREFUSED)"],
    ['', 'the proxy proxy.corp:3128 gives no HTTP answer'],
  ])('%j may be temporary, and is described as one', (what, words) => {
    const { code } = new ProxyError(what);
    expect(isOfProxy(code)).toBe(true);
    expect(describeProxyFailure(code, proxy)).toBe(words);
    expect(operatorsFault(code, { host, proxy })).toBeUndefined();
  });

  it.each([
    [
      '407',
      'proxy_unusable',
      'HTTPS_PROXY: the proxy proxy.corp:3128 asks for a user name and a password (HTTP 407)',
    ],
    [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'certificate_refused',
      'HTTPS_PROXY: the certificate of the proxy proxy.corp:3128 is not trusted (SELF_SIGNED_CERT_IN_CHAIN). To trust it, name the file',
    ],
    [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'certificate_refused',
      "HTTPS_PROXY: the certificate of the proxy proxy.corp:3128 is another host's",
    ],
    [
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'proxy_unusable',
      'HTTPS_PROXY: the proxy proxy.corp:3128 does not speak TLS itself (ERR_SSL_WRONG_VERSION_NUMBER). Write http://',
    ],
  ])('%s is for the operator to fix', (what, code, words) => {
    const fault = operatorsFault(new ProxyError(what).code, { host, proxy });
    expect(fault?.code).toBe(code);
    expect(fault?.message).toContain(words);
  });

  it('with a password refuses it', () => {
    expect(refusedByProxy({ ...proxy, authorization: 'Basic eDp5' }).message).toContain(
      'the proxy proxy.corp:3128 refuses the user name or the password (HTTP 407). Correct them in the environment variable',
    );
  });
});

describe('a failure behind the proxy, or without one', () => {
  it.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', undefined, 'The certificate that api.iterable.com shows is not trusted ('],
    [
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      proxy,
      'The certificate that api.iterable.com shows through the proxy proxy.corp:3128 is not trusted (',
    ],
    ['ERR_TLS_CERT_ALTNAME_INVALID', undefined, "api.iterable.com shows is another host's ("],
  ])('%s is for the operator to fix', (code, through, words) => {
    const fault = operatorsFault(code, { host, proxy: through });
    expect(fault?.code).toBe('certificate_refused');
    expect(fault?.message).toContain(words);
  });

  it.each(['ECONNRESET', 'CERT_HAS_EXPIRED', 'ERR_SSL_WRONG_VERSION_NUMBER', ''])(
    '%j may be temporary',
    (code) => {
      expect(isOfProxy(code)).toBe(false);
      expect(operatorsFault(code, { host, proxy })).toBeUndefined();
    },
  );
});
