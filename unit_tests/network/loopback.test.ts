import { describe, expect, it } from '@jest/globals';
import { isLoopback } from '../../src/network/loopback.ts';

describe('a loopback address', () => {
  it.each(['localhost', '127.0.0.1', '127.1.2.3', '[::1]'])('is %s', (hostname) => {
    expect(isLoopback(hostname)).toBe(true);
  });

  it.each(['127.0.0.1.example.com', 'localhost.example.com', '10.0.0.1', '[::2]', '128.0.0.1'])(
    'is not %s',
    (hostname) => {
      expect(isLoopback(hostname)).toBe(false);
    },
  );
});
