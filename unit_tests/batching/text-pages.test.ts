import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { joinTexts, readText, TextPages } from '../../src/batching/text-pages.ts';

/** Texts of all sizes that matter: many per page, at the limit for sharing a page, larger than a page. */
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', 'é', '😀'.repeat(300), 'x'.repeat(5_461), 'x'.repeat(5_462), 'ж'.repeat(40_000)),
);

describe('TextPages', () => {
  it('reads back what was stored, and joins any of the texts in any order', () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 60 }), fc.infiniteStream(fc.nat()), (texts, picks) => {
        const pages = new TextPages();
        const stored = texts.map((text) => pages.store(text));
        expect(stored.map(readText)).toEqual(texts);
        expect(stored.map(({ bytes }) => bytes)).toEqual(texts.map((text) => Buffer.byteLength(text)));

        const picked = texts.flatMap((_text, index) => (picks.next().value % 4 === 0 ? [] : [index]));
        if (picks.next().value % 2 === 0) picked.reverse();
        const body = joinTexts(
          '{"é":[',
          picked.map((index) => stored[index] ?? pages.store('')),
          ']}',
        );
        expect(body.toString()).toBe(`{"é":[${picked.map((index) => texts[index]).join(',')}]}`);
      }),
      { numRuns: 300 },
    );
  });

  it('stores consecutive texts in one page, and starts another page when it is full', () => {
    const pages = new TextPages();
    const stored = Array.from({ length: 400 }, () => pages.store('x'.repeat(330)));
    expect(new Set(stored.map(({ page }) => page)).size).toBe(3);
    expect(joinTexts('', stored, '').toString()).toBe(Array(400).fill('x'.repeat(330)).join(','));
  });

  it('stores a lone surrogate as it would be sent', () => {
    expect(readText(new TextPages().store('a\ud800b'))).toBe('a\ufffdb');
  });
});
