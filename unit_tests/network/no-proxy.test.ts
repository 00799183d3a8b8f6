import { describe, expect, it } from '@jest/globals';
import { exceptionsOf } from '../../src/network/no-proxy.ts';

const isExcepted = (noProxy: string, url: string) => exceptionsOf(noProxy)(new URL(url));

describe('NO_PROXY', () => {
  it.each([
    ['*', 'https://api.iterable.com', 'everything'],
    ['a.com,*', 'https://api.iterable.com', 'everything, in a list'],
    ['api.iterable.com', 'https://api.iterable.com', 'the host'],
    ['API.Iterable.com', 'https://api.iterable.com', 'the host, in another case'],
    ['iterable.com', 'https://api.iterable.com', 'all below a domain'],
    ['.iterable.com', 'https://api.eu.iterable.com', 'all below a domain, with a leading dot'],
    ['.iterable.com', 'https://iterable.com', 'the domain itself, with a leading dot'],
    ['*.iterable.com', 'https://api.iterable.com', 'all below a domain, with a star'],
    ['iterable.com.', 'https://api.iterable.com', 'a domain with a dot at its end'],
    ['iterable.com', 'https://api.iterable.com.', 'a host with a dot at its end'],
    ['a.com, ,b.com iterable.com', 'https://api.iterable.com', 'one of a list, with commas or blanks'],
    ['iterable.com:443', 'https://api.iterable.com', 'the port of the scheme'],
    ['iterable.com:8443', 'https://api.iterable.com:8443', 'another port'],
    ['127.0.0.1', 'http://127.0.0.1:8080', 'an address, at any port'],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080', 'an address at this port'],
    ['10.0.0.0/8', 'https://10.1.2.3:9000', 'a range of addresses'],
    ['::1', 'http://[::1]:8080', 'an IPv6 address'],
    ['0:0:0:0:0:0:0:1', 'http://[::1]', 'an IPv6 address, written at length'],
    ['[::1]', 'http://[::1]:8080', 'an IPv6 address in brackets'],
    ['[::1]:8080', 'http://[::1]:8080', 'an IPv6 address at this port'],
    ['fd00::/8', 'https://[fd12::1]', 'a range of IPv6 addresses'],
  ])('%s exempts %s: %s', (noProxy, url) => {
    expect(isExcepted(noProxy, url)).toBe(true);
  });

  it.each([
    ['', 'https://api.iterable.com', 'nothing'],
    [' , ', 'https://api.iterable.com', 'only separators'],
    ['able.com', 'https://api.iterable.com', 'the end of a name is not a domain'],
    ['api.iterable.com', 'https://iterable.com', 'the parent domain of a host'],
    ['iterable.com:80', 'https://api.iterable.com', 'another port'],
    [':443', 'https://api.iterable.com', 'a port alone'],
    ['.', 'https://api.iterable.com', 'a dot'],
    ['0.0.1', 'http://127.0.0.1', 'the end of an address is not a domain'],
    ['10.0.0.0/8', 'https://11.1.2.3', 'an address beyond the range'],
    ['10.0.0.0/99', 'https://10.1.2.3', 'an invalid range'],
    ['example.com/8', 'https://example.com', 'a range of names'],
    ['::1', 'http://127.0.0.1', 'an address of another family'],
    ['https://api.iterable.com', 'https://api.iterable.com', 'a URL is not a host'],
  ])('%j does not exempt %s: %s', (noProxy, url) => {
    expect(isExcepted(noProxy, url)).toBe(false);
  });
});
