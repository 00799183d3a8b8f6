/**
 * The types of a column and of everything inside it, collected once. Iterable's type of a field takes precedence over
 * the schema's. Fields that the project does not have yet get their type from the sync itself.
 */
import type { JsonValue } from '../json.ts';
import { conversionFor, withWellKnownFields, type KnownFields } from './fields.ts';
import type { NewField, NewFieldTypes } from './new-field-types.ts';
import type { MappingType } from './options.ts';
import { pathsAbove, pathSegments } from './paths.ts';
import { propertyNames, propertySchema, typeOfSchema } from './schema-types.ts';

/** What is known about one field. */
export class TypeTree {
  /** Dotted path of the field. */
  readonly path: string;
  /** Iterable's type, else the schema's. */
  readonly type: MappingType | undefined;
  /** Set if the project does not have the field yet. */
  readonly field: NewField | undefined;
  /** For a column: the ancestors of its target that the project does not have yet. */
  readonly above: readonly NewField[];
  readonly #inside: Map<string, TypeTree>;
  /** Decides the types of unknown fields inside; undefined if there can be none. */
  readonly #newFields: NewFieldTypes | undefined;

  constructor({ path, type, field, above = NONE, inside, newFields }: TypeTreeOptions) {
    this.path = path;
    this.type = type;
    this.field = field;
    this.above = above;
    this.#inside = inside;
    this.#newFields = newFields;
  }

  /** The fields inside of which something is known so far. */
  get inside(): ReadonlyMap<string, TypeTree> {
    return this.#inside;
  }

  /** True if nothing can be known about any field inside. */
  get isLeaf(): boolean {
    return this.#newFields === undefined && this.#inside.size === 0;
  }

  /** What is known about a field inside; undefined if neither it nor any field below it has a known type. */
  at(name: string): TypeTree | undefined {
    return this.#inside.get(name) ?? this.#openInside(name);
  }

  #openInside(name: string): TypeTree | undefined {
    const path = `${this.path}.${name}`;
    const field = this.#newFields?.at(path);
    if (!field) return undefined;
    const tree = new TypeTree({
      path,
      type: undefined,
      field,
      inside: new Map(),
      newFields: this.#newFields,
    });
    this.#inside.set(name, tree);
    return tree;
  }
}

interface TypeTreeOptions {
  readonly path: string;
  readonly type: MappingType | undefined;
  readonly field: NewField | undefined;
  readonly above?: readonly NewField[];
  readonly inside: Map<string, TypeTree>;
  readonly newFields: NewFieldTypes | undefined;
}

interface KnownNode {
  /** Iterable's name for the type; undefined if only fields inside are known. */
  word: string | undefined;
  readonly inside: Map<string, KnownNode>;
}

const NONE: readonly NewField[] = [];

/**
 * Returns a function that gives the tree for a column, by its schema, and its target. The paths of the known fields are
 * split once, for all columns of a sync. Without `newFields`, values of unknown fields stay as they are.
 */
export function typeTrees(
  knownFields: KnownFields,
  newFields?: NewFieldTypes,
): (schema: JsonValue | undefined, target: string) => TypeTree {
  const root: KnownNode = { word: undefined, inside: new Map() };
  for (const [field, word] of withWellKnownFields(knownFields)) {
    let node = root;
    for (const segment of pathSegments(field)) node = openInside(node, segment);
    node.word = word;
  }
  const nodeAt = (path: string): KnownNode | undefined => {
    let known: KnownNode | undefined = root;
    for (const segment of pathSegments(path)) known = known?.inside.get(segment);
    return known;
  };
  return (schema, target) => {
    const above = pathsAbove(target).flatMap((path) => (nodeAt(path) ? [] : (newFields?.at(path) ?? [])));
    return grow({ path: target, above, known: nodeAt(target), schema, newFields });
  };
}

interface Place {
  readonly path: string;
  readonly above?: readonly NewField[];
  readonly known: KnownNode | undefined;
  readonly schema: JsonValue | undefined;
  readonly newFields: NewFieldTypes | undefined;
}

function grow({ path, above = NONE, known, schema, newFields }: Place): TypeTree {
  const newInside = mayHaveNewInside(known) ? newFields : undefined;
  const names = new Set([...(known?.inside.keys() ?? []), ...propertyNames(schema)]);
  const inside = new Map<string, TypeTree>();
  for (const name of names) {
    const tree = grow({
      path: `${path}.${name}`,
      known: known?.inside.get(name),
      schema: propertySchema(schema, name),
      newFields: newInside,
    });
    // Of a field with a future type of Iterable, we know only that it is not new.
    const isNoNewField = newInside !== undefined && !tree.field;
    if (tree.type !== undefined || !tree.isLeaf || tree.field || isNoNewField) inside.set(name, tree);
  }
  return new TypeTree({
    path,
    type: conversionFor(known?.word) ?? typeOfSchema(schema),
    field: known ? undefined : newFields?.at(path),
    above,
    inside,
    newFields: newInside,
  });
}

/** Fields inside a geo_location are fixed, and those inside a future type of Iterable are unknown. */
function mayHaveNewInside(known: KnownNode | undefined): boolean {
  return known?.word === undefined || known.word === 'object' || known.word === 'nested';
}

function openInside(node: KnownNode, segment: string): KnownNode {
  let next = node.inside.get(segment);
  if (!next) {
    next = { word: undefined, inside: new Map() };
    node.inside.set(segment, next);
  }
  return next;
}
