import { describe, expect, it } from '@jest/globals';
import { ProjectTargets, TargetHistory, type MappedTargets } from '../../src/diff/targets.ts';

const historyOf = (own: MappedTargets, others: readonly MappedTargets[] = []) =>
  new TargetHistory(own, new ProjectTargets([own, ...others]));

describe('a field that was written before', () => {
  it.each<[string, string, MappedTargets, MappedTargets[], boolean]>([
    ['is cleared once no mapping names it', 'city', ['plan'], [], true],
    ['is cleared once there is no mapping of the stream left', 'city', [], [], true],
    ['stays while it is mapped', 'city', ['city'], [], false],
    ['stays where every column goes to the field of its name', 'city', undefined, [], false],
    ['stays where another stream writes it', 'city', ['plan'], [['name'], ['city']], false],
    ['is cleared where others write others', 'city', ['plan'], [['name'], ['zip']], true],
    ['stays where another stream may write any field', 'city', ['plan'], [['name'], undefined], false],
    ['stays where a part of it is mapped', 'address', ['address.zip'], [], false],
    ['stays where the whole of it is mapped', 'address.city', ['address'], [], false],
    ['stays where another stream writes a part of it', 'address', ['plan'], [['address.zip']], false],
    ['stays where another stream writes the whole of it', 'address.city', ['plan'], [['address']], false],
    ['is cleared where another part is mapped', 'address.city', ['address.zip'], [], true],
    ['is cleared where a name only begins alike', 'city', ['cityCode'], [['cityName']], true],
    ['is never the address', 'email', ['plan'], [], false],
    ['is never the user id', 'userId', ['plan'], [], false],
  ])('%s', (_name, field, own, others, isCleared) => {
    expect(historyOf(own, others).toClear([field])).toEqual(isCleared ? [field] : []);
  });

  it('is found among others, again and again', () => {
    const history = historyOf(['plan']);
    const written = ['city', 'plan', 'zip'];
    expect(history.toClear(written)).toEqual(['city', 'zip']);
    expect(history.toClear(written)).toEqual(['city', 'zip']);
    expect(history.toClear(['plan', 'name'])).toEqual(['name']);
    expect(history.toClear([])).toEqual([]);
  });
});

describe('what the streams of a project write', () => {
  it('is one for all of them, however many there are', () => {
    const project = new ProjectTargets(
      Array.from({ length: 5_000 }, (_, index) => ['email', 'address.city', `only_${index}`]),
    );
    const histories = ['only_0', 'only_4999'].map((own) => new TargetHistory([own], project));
    for (const history of histories)
      expect(history.toClear(['address', 'address.zip', 'gone', 'only_7', 'only_5000'])).toEqual([
        'address.zip',
        'gone',
        'only_5000',
      ]);
  });
});

describe('the fields to remember', () => {
  it.each<[string, MappedTargets, string[], string[], string[]]>([
    ['are those that the record writes, sorted', ['a', 'b'], [], ['b', 'a'], ['a', 'b']],
    ['are none where every column goes to the field of its name', undefined, ['a'], ['b'], []],
    ['keep those that are mapped, though the record lacks them', ['a', 'b'], ['a'], ['b'], ['a', 'b']],
    ['lose those that are mapped no longer: they are cleared', ['b'], ['a'], ['b'], ['b']],
    ['stay as they were where the record writes just those', ['a', 'b'], ['a', 'b'], ['b', 'a'], ['a', 'b']],
    ['change where as many others are written', ['a', 'b'], ['b'], ['a'], ['a', 'b']],
  ])('%s', (_name, own, before, values, expected) => {
    expect(historyOf(own).after(before, values)).toEqual(expected);
  });

  it('are the same array where they stay: millions of entries have them', () => {
    const before = ['a', 'b'];
    expect(historyOf(['a', 'b']).after(before, ['b', 'a'])).toBe(before);
  });
});
