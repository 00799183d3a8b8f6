/** Recognizes loopback addresses. */

/** Takes the host name of a URL, where an IPv6 address is in brackets. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
