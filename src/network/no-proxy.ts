/**
 * Hosts that `NO_PROXY` excepts, as curl and Go read it: names with all below them, addresses, ranges of addresses, each with or
 * without a port, and `*`. https://everything.curl.dev/usingcurl/proxies/env.html, https://pkg.go.dev/golang.org/x/net/http/httpproxy
 */
import { BlockList, isIP } from 'node:net';

export type Exception = (url: URL) => boolean;

/** A host or a range; an IPv6 address may stand in brackets, and must where a port follows it. */
const ENTRY = /^(?:\[([^\]]+)\]|([^:]+)|(.*:.*:.*))(?::(\d+))?$/;

/** True for the URLs that go past the proxy. Entries that can't be read except nothing. */
export function exceptionsOf(noProxy: string): Exception {
  const exceptions = noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(exceptionOf);
  return (url) => exceptions.some((isExcepted) => isExcepted(url));
}

function exceptionOf(entry: string): Exception {
  if (entry === '*') return () => true;
  const [, bracketed, plain, address, port] = ENTRY.exec(entry) ?? [];
  const host = bracketed ?? plain ?? address ?? '';
  const matches = host.includes('/') || isIP(host) > 0 ? addressException(host) : nameException(host);
  return (url) => (port === undefined || port === portOf(url)) && matches(hostOf(url));
}

function nameException(entry: string): (host: string) => boolean {
  const name = entry
    .toLowerCase()
    .replace(/^\*?\.?/, '')
    .replace(/\.$/, '');
  if (name === '') return () => false;
  // The end of an address is no domain.
  return (host) => host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

function addressException(entry: string): (host: string) => boolean {
  const [address = '', bits] = entry.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  try {
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  } catch {
    return () => false;
  }
  return (host) => isIP(host) > 0 && list.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}

function portOf({ port, protocol }: URL): string {
  if (port !== '') return port;
  return protocol === 'https:' ? '443' : '80';
}

function hostOf({ hostname }: URL): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}
