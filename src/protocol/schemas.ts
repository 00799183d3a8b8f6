/**
 * Schemas of Airbyte's protocol messages, as far as a destination uses them. Unknown properties are allowed everywhere,
 * and an explicit null counts as absent. Source: airbyte_protocol.yaml, protocol 0.18.
 */
import * as z from 'zod';
import { isJsonObject, type JsonObject } from '../json.ts';

/**
 * Checked to be an object, but neither copied nor looked into: a record's columns and a state's contents belong to the
 * source.
 */
export const jsonObject = z.custom<JsonObject>(isJsonObject, 'Invalid input: expected object');

const streamDescriptor = z.looseObject({ name: z.string(), namespace: z.string().nullish() });

export const recordSchema = z.looseObject({
  record: z.looseObject({
    stream: z.string(),
    namespace: z.string().nullish(),
    data: jsonObject,
    /** Milliseconds by the protocol, seconds from PyAirbyte, with or without a fraction. */
    emitted_at: z.number(),
    meta: z
      .looseObject({
        changes: z.array(z.looseObject({ field: z.string(), change: z.string() })).nullish(),
      })
      .nullish(),
  }),
});

const streamState = z.looseObject({ stream_descriptor: streamDescriptor });
const globalState = z.looseObject({ stream_states: z.array(streamState) });

/** No type means LEGACY. PyAirbyte writes `global` as `global_`, because it dumps its models without their aliases. */
export const stateSchema = z.looseObject({
  state: z.preprocess(
    (state) => (isJsonObject(state) ? { ...state, type: state['type'] ?? 'LEGACY' } : state),
    z.discriminatedUnion('type', [
      z.looseObject({ type: z.literal('STREAM'), stream: streamState }),
      z
        .looseObject({
          type: z.literal('GLOBAL'),
          global: globalState.nullish(),
          global_: globalState.nullish(),
        })
        .refine((state) => isPresent(state.global) || isPresent(state.global_), {
          message: 'is missing',
          path: ['global'],
        }),
      z.looseObject({ type: z.literal('LEGACY') }),
    ]),
  ),
});

/** A destination uses only traces with the status of a stream. */
export const traceSchema = z.looseObject({ trace: z.looseObject({ type: z.string() }) });

export const streamStatusSchema = z.looseObject({
  trace: z.looseObject({
    stream_status: z.looseObject({ stream_descriptor: streamDescriptor, status: z.string() }),
  }),
});

const streamStatusValue = z.enum(['STARTED', 'RUNNING', 'COMPLETE', 'INCOMPLETE']);
export type StreamStatus = z.infer<typeof streamStatusValue>;

export function isStreamStatus(status: string): status is StreamStatus {
  return streamStatusValue.safeParse(status).success;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
