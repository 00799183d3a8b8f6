/** Creates certificates for test servers with openssl, if it is installed. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';

export const hasOpenssl = isThere('openssl');

function isThere(command: string): boolean {
  try {
    execFileSync(command, ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

/** Creates a key and a certificate for it, self-signed unless `more` says otherwise. */
function certify(place: string, ...more: string[]): void {
  const files = ['-keyout', `${place}.key`, '-out', `${place}.pem`];
  openssl('req', '-x509', ...NEW_KEY, ...files, '-subj', `/CN=${path.basename(place)}`, ...more);
}

/** Creates the key and certificate of an authority: `PLACE.key`, `PLACE.pem`. */
export function makeAuthority(place: string): void {
  certify(place);
}

/** Creates a key and a certificate for names such as `IP:127.0.0.1,DNS:host.test`: `PLACE.key`, `PLACE.pem`. */
export function sign(authority: string, place: string, names = 'IP:127.0.0.1'): void {
  certify(
    place,
    '-CA',
    `${authority}.pem`,
    '-CAkey',
    `${authority}.key`,
    '-addext',
    `subjectAltName=${names}`,
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  );
}
