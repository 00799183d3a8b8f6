/** Finds all mistakes in the mappings that can be detected before the first record. */
import { isManagedField, typesClash, type KnownFields } from './fields.ts';
import { identifyingTarget, type IdentifyBy, type Mapping } from './options.ts';
import { isWithin, isWritablePath, pathsConflict } from './paths.ts';

export interface MappingsToCheck {
  readonly mappings: readonly Mapping[];
  readonly identifyBy: IdentifyBy;
  /** Fields that Iterable knows already; a mapping's type must not clash with theirs. */
  readonly knownFields?: KnownFields;
  /** Names of the streams that the mappings are for. Without it, only streams that a mapping names are checked. */
  readonly streams?: readonly string[];
}

/** Every problem, with its place, such as `mappings[2].target`. Having no mappings at all is no problem. */
export function mappingProblems({ mappings, identifyBy, knownFields, streams }: MappingsToCheck): string[] {
  if (mappings.length === 0) return [];
  const problems = mappings.flatMap((mapping, index) => ownProblems(mapping, index, knownFields));
  const streamProblems = new Set<string>();
  for (const stream of streamsToCheck(mappings, streams)) {
    const effective = [...mappings.entries()].filter(([, mapping]) => appliesTo(mapping, stream));
    for (const problem of conflicts(effective)) streamProblems.add(problem);
    const wanted = identifyingTarget(identifyBy);
    if (!effective.some(([, { target }]) => target === wanted)) {
      streamProblems.add(
        `mappings: ${stream === undefined ? 'no mapping' : `no mapping for stream ${stream}`} has the target ${wanted}, ` +
          'which identifies users (identify_by); add one',
      );
    }
  }
  return [...problems, ...streamProblems];
}

/** True if the mapping applies to the stream of this name; undefined stands for any stream that no mapping names. */
export function appliesTo(mapping: Mapping, stream: string | undefined): boolean {
  return mapping.stream === undefined || mapping.stream === stream;
}

function streamsToCheck(
  mappings: readonly Mapping[],
  streams: readonly string[] | undefined,
): (string | undefined)[] {
  if (streams) return [...new Set(streams)];
  const named = new Set(mappings.flatMap(({ stream }) => (stream === undefined ? [] : [stream])));
  // If mappings name streams, the connection may have no others.
  return named.size > 0 ? [...named] : [undefined];
}

function ownProblems({ source, target, type }: Mapping, index: number, knownFields?: KnownFields): string[] {
  const problems: string[] = [];
  const place = `mappings[${index}]`;
  if (source.trim() === '') problems.push(`${place}.source: must name a column`);
  if (!isWritablePath(target)) {
    problems.push(`${place}.target: must be a field name, without empty parts between dots`);
  } else if (isManagedField(target)) {
    problems.push(
      `${place}.target: ${target} is managed by Iterable and can't be written; remove the mapping`,
    );
  }
  const identity = ['email', 'userId'].find((name) => target !== name && isWithin(target, name));
  if (identity !== undefined)
    problems.push(`${place}.target: ${identity} is text, so nothing can be inside of it`);
  if ((target === 'email' || target === 'userId') && type !== undefined && type !== 'string') {
    problems.push(`${place}.type: ${target} is always text; leave the type out`);
  }
  const known = knownFields?.get(target);
  if (type !== undefined && known !== undefined && typesClash(type, known)) {
    problems.push(
      `${place}.type: ${type} clashes with the field ${target}, which is a ${known} in Iterable already`,
    );
  }
  return problems;
}

function conflicts(effective: readonly (readonly [number, Mapping])[]): string[] {
  const problems: string[] = [];
  for (const [position, [index, { target }]] of effective.entries()) {
    for (const [earlierIndex, earlier] of effective.slice(0, position)) {
      if (!pathsConflict(earlier.target, target)) continue;
      problems.push(
        earlier.target === target
          ? `mappings[${index}].target: ${target} is the target of mappings[${earlierIndex}], too`
          : `mappings[${index}].target: ${target} and ${earlier.target} (mappings[${earlierIndex}]) can't both be written, since one lies inside the other`,
      );
    }
  }
  return problems;
}
