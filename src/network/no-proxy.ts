/**
 * Hosts that `NO_PROXY` exempts, read as curl and Go do. An entry is a domain with its subdomains, an address or a
 * range of addresses, each with or without a port, or `*`. https://everything.curl.dev/usingcurl/proxies/env.html,
 * https://pkg.go.dev/golang.org/x/net/http/httpproxy
 */
import { BlockList, isIP } from 'node:net';

export type Exception = (url: URL) => boolean;

/** A host or a range. An IPv6 address may be in brackets, and must be if a port follows. */
const ENTRY = /^(?:\[([^\]]+)\]|([^:]+)|(.*:.*:.*))(?::(\d+))?$/;

/** Returns a predicate that is true for URLs that bypass the proxy. Invalid entries match nothing. */
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
  // Only domain names match by suffix, not IP addresses.
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
