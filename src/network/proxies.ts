/**
 * The proxies that the environment configures, selected as curl does: by the scheme of the requested URL, lower-case
 * variables before upper-case ones, `ALL_PROXY` last. https://everything.curl.dev/usingcurl/proxies/env.html
 */
import { ConfigError } from '../errors.ts';
import { isLoopback } from './loopback.ts';
import { exceptionsOf, type Exception } from './no-proxy.ts';

/** Environment variables and their values. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Proxy {
  /** Without user name and password. */
  readonly url: string;
  /** `host:port`, the only part that messages show. */
  readonly name: string;
  /** Value of the Proxy-Authorization header. A secret. */
  readonly authorization: string | undefined;
  /** The environment variable that configures it. */
  readonly variable: string;
}

const VARIABLES = ['https_proxy', 'http_proxy', 'all_proxy'];
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

export class Proxies {
  readonly #env: Environment;
  readonly #isExcepted: Exception;

  constructor(env: Environment) {
    this.#env = env;
    this.#isExcepted = exceptionsOf(this.#valueOf(this.#set('no_proxy')));
  }

  /** True if no proxy is configured, so that every request is direct. */
  get isEmpty(): boolean {
    return VARIABLES.every((name) => this.#set(name) === undefined);
  }

  /** What has to be redacted: the passwords, raw and URL-encoded, and the Base64 credentials. */
  get secrets(): string[] {
    return [...VARIABLES, ...VARIABLES.map((name) => name.toUpperCase())].flatMap((variable) => {
      const parts = partsOf(this.#valueOf(variable));
      if (!parts || parts.password === '') return [];
      return [parts.password, parts.url.password, base64Of(parts)];
    });
  }

  /**
   * The proxy for requests to this URL; undefined if they are direct. Throws a ConfigError that names the variable if
   * its value is malformed.
   */
  for(target: string): Proxy | undefined {
    const url = new URL(target);
    const variable = this.#set(url.protocol.replace(':', '_proxy')) ?? this.#set('all_proxy');
    if (variable === undefined || this.#isExcepted(url)) return undefined;
    const parts = partsOf(this.#valueOf(variable));
    if (!parts) throw malformed(variable);
    // A remote proxy would resolve a loopback address to its own machine, and plain-text traffic to loopback must not
    // leave this one.
    if (isLoopback(url.hostname) && !isLoopback(parts.url.hostname)) return undefined;
    const { protocol, hostname, port } = parts.url;
    const name = `${hostname}:${port === '' ? (DEFAULT_PORTS[protocol] ?? '') : port}`;
    return {
      url: `${protocol}//${name}`,
      name,
      authorization: parts.user === '' && parts.password === '' ? undefined : `Basic ${base64Of(parts)}`,
      variable,
    };
  }

  /** The name under which the variable is set, lower case or upper; an empty value counts as absent. */
  #set(name: string): string | undefined {
    return [name, name.toUpperCase()].find((variable) => this.#valueOf(variable) !== '');
  }

  #valueOf(variable: string | undefined): string {
    return variable === undefined ? '' : (this.#env[variable] ?? '').trim();
  }
}

/** A suffix for messages about a request: names the proxy that it went through, if any. */
export function through(proxy: Proxy | undefined): string {
  return proxy ? ` through the proxy ${proxy.name}` : '';
}

interface Parts {
  readonly url: URL;
  readonly user: string;
  readonly password: string;
}

/**
 * Undefined for text that is not a proxy's URL, or that parses as one only because an unescaped `/`, `?` or `#` in the
 * password ends the host early.
 */
function partsOf(text: string): Parts | undefined {
  const href = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (!url || DEFAULT_PORTS[url.protocol] === undefined) return undefined;
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return undefined;
  try {
    return { url, user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  } catch {
    return undefined;
  }
}

function base64Of({ user, password }: Parts): string {
  return Buffer.from(`${user}:${password}`).toString('base64');
}

/** The message omits the value, which may contain a password. */
function malformed(variable: string): ConfigError {
  return new ConfigError(
    [
      `${variable}: the environment variable does not hold the URL of an HTTP proxy. Write it as http://host:port or http://user:password@host:port (https:// where the proxy itself speaks TLS), with special characters of user and password percent-encoded, as %40 for @.`,
    ],
    { code: 'proxy_unusable' },
  );
}
