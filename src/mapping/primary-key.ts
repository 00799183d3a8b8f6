/** What tells a stream's records apart: its primary key as one text. */
import { isJsonObject, stringifyIfPossible, type JsonObject, type JsonValue } from '../json.ts';
import { isUnchanged } from './unchanged-marks.ts';

/** The key's text, or undefined where a part of it is missing, null, marked as unchanged, or nested too deeply to be written. Numbers keep their digits. */
export type PrimaryKeyReader = (data: JsonObject) => string | undefined;

/** Undefined for a stream without a primary key. Each path leads into objects, one name a segment. */
export function primaryKeyReader(paths: readonly (readonly string[])[]): PrimaryKeyReader | undefined {
  if (paths.length === 0) return undefined;
  return (data) => {
    const parts = paths.map((path) => follow(data, path));
    return parts.some((part) => part === undefined || part === null || isUnchanged(part))
      ? undefined
      : stringifyIfPossible(parts);
  };
}

function follow(data: JsonObject, path: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = data;
  for (const segment of path) {
    if (!isJsonObject(at) || !Object.hasOwn(at, segment)) return undefined;
    at = at[segment];
  }
  return at;
}
