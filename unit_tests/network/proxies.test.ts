import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../src/errors.ts';
import { Proxies, through, type Environment } from '../../src/network/proxies.ts';

const API = 'https://api.iterable.com';
const found = (env: Environment, url = API) => {
  const proxy = new Proxies(env).for(url);
  return proxy && [proxy.url, proxy.variable];
};

describe('the proxy of a URL', () => {
  it.each<[string, Environment, string, [string, string] | undefined]>([
    ['none is configured', {}, API, undefined],
    [
      'of its scheme',
      { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://q:2' },
      API,
      ['http://p:1', 'HTTPS_PROXY'],
    ],
    ['of another scheme', { HTTP_PROXY: 'http://q:2' }, API, undefined],
    [
      'lower case before upper',
      { HTTPS_PROXY: 'http://p:1', https_proxy: 'http://q:2' },
      API,
      ['http://q:2', 'https_proxy'],
    ],
    [
      'an empty variable counts as absent',
      { https_proxy: ' ', HTTPS_PROXY: 'http://p:1' },
      API,
      ['http://p:1', 'HTTPS_PROXY'],
    ],
    ['of all schemes, last', { all_proxy: 'http://p:1' }, API, ['http://p:1', 'all_proxy']],
    [
      'of its scheme, before that of all schemes',
      { ALL_PROXY: 'http://p:1', https_proxy: 'http://q:2' },
      API,
      ['http://q:2', 'https_proxy'],
    ],
    ['without a scheme', { HTTPS_PROXY: 'p:3128' }, API, ['http://p:3128', 'HTTPS_PROXY']],
    ['without a port', { HTTPS_PROXY: 'http://p' }, API, ['http://p:80', 'HTTPS_PROXY']],
    ['speaks TLS, without a port', { HTTPS_PROXY: 'https://p/' }, API, ['https://p:443', 'HTTPS_PROXY']],
    ['an IPv6 address', { HTTPS_PROXY: 'http://[::1]:3128' }, API, ['http://[::1]:3128', 'HTTPS_PROXY']],
    ['exempted', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'iterable.com' }, API, undefined],
    [
      'exempted in lower case',
      { HTTPS_PROXY: 'http://p:1', no_proxy: '*', NO_PROXY: 'a.com' },
      API,
      undefined,
    ],
    ['remote, for a loopback URL', { HTTP_PROXY: 'http://p:1' }, 'http://127.0.0.1:8080', undefined],
    ['remote, for a loopback URL with TLS', { HTTPS_PROXY: 'http://p:1' }, 'https://localhost', undefined],
    [
      'on loopback, like the URL',
      { HTTP_PROXY: 'http://localhost:1' },
      'http://127.0.0.1:8080',
      ['http://localhost:1', 'HTTP_PROXY'],
    ],
  ])('%s', (_name, env, url, expected) => {
    expect(found(env, url)).toEqual(expected);
  });

  it('is named by host and port; its credentials are sent, and are secret in every form', () => {
    const proxies = new Proxies({ HTTPS_PROXY: 'http://me:p%40ss%20word@proxy.corp:3128' });
    const proxy = proxies.for(API);
    const base64 = Buffer.from('me:p@ss word').toString('base64');
    expect(proxy).toEqual({
      url: 'http://proxy.corp:3128',
      name: 'proxy.corp:3128',
      authorization: `Basic ${base64}`,
      variable: 'HTTPS_PROXY',
    });
    expect(through(proxy)).toBe(' through the proxy proxy.corp:3128');
    expect(proxies.secrets.sort()).toEqual(['p%40ss%20word', 'p@ss word', base64].sort());
  });

  it('may have a user name alone, or no credentials', () => {
    expect(new Proxies({ HTTPS_PROXY: 'http://me@p' }).for(API)?.authorization).toBe(
      `Basic ${Buffer.from('me:').toString('base64')}`,
    );
    expect(new Proxies({ HTTPS_PROXY: 'http://p' }).for(API)?.authorization).toBeUndefined();
    expect(through(undefined)).toBe('');
  });

  it.each([
    ['no URL', 'http://'],
    ['an invalid port', 'http://p:port'],
    ['another kind', 'socks5://p:1080'],
    ['a slash in the password', 'http://me:12/34@p:3128'],
    ['a number sign in the password', 'http://me:12#34@p:3128'],
    ['a question mark in the password', 'http://me:12?34@p:3128'],
    ['a percent sign in the password', 'http://me:100%@p:3128'],
  ])('is reported as invalid by the name of its variable alone: %s', (_name, value) => {
    const ask = () => new Proxies({ HTTPS_PROXY: value }).for(API);
    expect(ask).toThrow(ConfigError);
    expect(ask).toThrow(
      /^HTTPS_PROXY: the environment variable does not hold the URL of an HTTP proxy\. Write it as/,
    );
    if (value.includes('@')) expect(ask).not.toThrow(value.slice(value.indexOf('//')));
    // No request uses it.
    expect(new Proxies({ HTTPS_PROXY: value, NO_PROXY: '*' }).for(API)).toBeUndefined();
    expect(new Proxies({ HTTPS_PROXY: value }).for('http://example.com')).toBeUndefined();
  });
});

describe('proxies', () => {
  it('are empty where no variable has a value', () => {
    expect(new Proxies({ NO_PROXY: '*', https_proxy: '' }).isEmpty).toBe(true);
    expect(new Proxies({ all_proxy: 'p' }).isEmpty).toBe(false);
  });

  it('have the secrets of every variable, used or not', () => {
    const env = {
      http_proxy: 'http://a:one1@p',
      HTTP_PROXY: 'b:two2@p',
      ALL_PROXY: 'http://c:three3@p',
      HTTPS_PROXY: '://',
    };
    expect(new Proxies(env).secrets).toEqual(expect.arrayContaining(['one1', 'two2', 'three3']));
    expect(new Proxies({ HTTPS_PROXY: 'http://me@p' }).secrets).toEqual([]);
  });
});
