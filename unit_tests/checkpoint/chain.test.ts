import { describe, expect, it } from '@jest/globals';
import { Chain } from '../../src/checkpoint/chain.ts';

describe('Chain', () => {
  it('has nothing done while no state ends its first segment', () => {
    expect(new Chain<string>().firstDone).toBeUndefined();
  });

  it('has its first segment done when a state ends it and nothing in it is unsettled', () => {
    const chain = new Chain<string>();
    const first = chain.last;
    first.unsettled = 1;
    chain.close('s1');
    expect(chain.firstDone).toBeUndefined();
    first.unsettled = 0;
    expect(chain.firstDone).toEqual({ segment: first, state: 's1' });
  });

  it('continues with the next segment, in order', () => {
    const chain = new Chain<string>();
    chain.close('s1');
    chain.close('s2');
    chain.dropFirst();
    expect(chain.firstDone?.state).toBe('s2');
    expect(chain.dropFirst()).toBe(chain.last);
    expect(chain.firstDone).toBeUndefined();
  });

  it('does not drop the open segment', () => {
    expect(() => new Chain<string>().dropFirst()).toThrow("The open segment can't be dropped");
  });
});
