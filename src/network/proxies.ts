/**
 * The proxies that the environment names, found as curl finds them: by the scheme of the URL that is asked, lower case before
 * upper case, `ALL_PROXY` last. https://everything.curl.dev/usingcurl/proxies/env.html
 */
import { ConfigError } from '../errors.ts';
import { isLoopback } from './loopback.ts';
import { exceptionsOf, type Exception } from './no-proxy.ts';

/** Of the process: variables and their values. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Proxy {
  /** Without user name and password. */
  readonly url: string;
  /** `host:port`: all that people are told of it. */
  readonly name: string;
  /** Of the header Proxy-Authorization. A secret. */
  readonly authorization: string | undefined;
  /** The variable that names it. */
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

  /** True when every URL is asked directly. */
  get isEmpty(): boolean {
    return VARIABLES.every((name) => this.#set(name) === undefined);
  }

  /** What of these proxies must not be shown: passwords, and what is sent for them. */
  get secrets(): string[] {
    return [...VARIABLES, ...VARIABLES.map((name) => name.toUpperCase())].flatMap((variable) => {
      const parts = partsOf(this.#valueOf(variable));
      if (!parts || parts.password === '') return [];
      return [parts.password, parts.url.password, base64Of(parts)];
    });
  }

  /** The proxy through which this URL is asked; undefined where it is asked directly. Throws a ConfigError that names the variable. */
  for(target: string): Proxy | undefined {
    const url = new URL(target);
    const variable = this.#set(url.protocol.replace(':', '_proxy')) ?? this.#set('all_proxy');
    if (variable === undefined || this.#isExcepted(url)) return undefined;
    const parts = partsOf(this.#valueOf(variable));
    if (!parts) throw malformed(variable);
    // For a proxy elsewhere that is another machine, and what is sent there in clear text must not leave this one.
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

  /** The name of the variable as it is set, in lower case or upper; an empty one counts as absent. */
  #set(name: string): string | undefined {
    return [name, name.toUpperCase()].find((variable) => this.#valueOf(variable) !== '');
  }

  #valueOf(variable: string | undefined): string {
    return variable === undefined ? '' : (this.#env[variable] ?? '').trim();
  }
}

/** How a sentence goes on that tells what became of a request. */
export function through(proxy: Proxy | undefined): string {
  return proxy ? ` through the proxy ${proxy.name}` : '';
}

interface Parts {
  readonly url: URL;
  readonly user: string;
  readonly password: string;
}

/** Undefined for what is no URL of a proxy, or looks like one only because a password holds `/`, `?` or `#`. */
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

/** Without the value, which may hold a password. */
function malformed(variable: string): ConfigError {
  return new ConfigError(
    [
      `${variable}: the environment variable does not hold the URL of an HTTP proxy. Write it as http://host:port or http://user:password@host:port (https:// where the proxy itself speaks TLS), with special characters of user and password percent-encoded, as %40 for @.`,
    ],
    { code: 'proxy_unusable' },
  );
}
