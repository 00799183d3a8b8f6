/**
 * Schemas of every message that this destination writes, from Airbyte's protocol. The writer's types are derived from
 * them.
 */
import * as z from 'zod';
import { jsonObject } from './schemas.ts';

const count = z.number().int().nonnegative();

export const specMessage = z.looseObject({
  type: z.literal('SPEC'),
  spec: z.looseObject({
    documentationUrl: z.string(),
    connectionSpecification: jsonObject,
    supported_destination_sync_modes: z.array(
      z.enum(['append', 'append_dedup', 'overwrite', 'update', 'soft_delete']),
    ),
  }),
});

const connectionStatus = z.enum(['SUCCEEDED', 'FAILED']);
export type ConnectionStatus = z.infer<typeof connectionStatus>;

export const connectionStatusMessage = z.looseObject({
  type: z.literal('CONNECTION_STATUS'),
  connectionStatus: z.looseObject({ status: connectionStatus, message: z.string().optional() }),
});

const logLevel = z.enum(['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE']);
export type LogLevel = z.infer<typeof logLevel>;

export const logMessage = z.looseObject({
  type: z.literal('LOG'),
  log: z.looseObject({ level: logLevel, message: z.string() }),
});

export const traceErrorMessage = z.looseObject({
  type: z.literal('TRACE'),
  trace: z.looseObject({
    type: z.literal('ERROR'),
    /** Milliseconds; the platform sorts by it. */
    emitted_at: z.number(),
    error: z.looseObject({
      message: z.string(),
      internal_message: z.string().optional(),
      stack_trace: z.string().optional(),
      failure_type: z.enum(['config_error', 'transient_error', 'system_error']),
      stream_descriptor: z.looseObject({ name: z.string(), namespace: z.string().optional() }).optional(),
    }),
  }),
});

/** A state as it is emitted: the state received, plus our counts. */
export const stateMessage = z.looseObject({
  type: z.literal('STATE'),
  state: z.looseObject({
    destinationStats: z.looseObject({ recordCount: count, rejectedRecordCount: count.optional() }),
  }),
});

const destinationOperation = z.looseObject({
  object_name: z.string(),
  sync_mode: z.enum(['append', 'append_dedup', 'overwrite', 'update', 'soft_delete']),
  json_schema: jsonObject,
  /** Each inner list is one key; several columns in it make a composite key. */
  matching_keys: z.array(z.array(z.string())).optional(),
});
export type DestinationOperation = z.infer<typeof destinationOperation>;

export const destinationCatalogMessage = z.looseObject({
  type: z.literal('DESTINATION_CATALOG'),
  destination_catalog: z.looseObject({ operations: z.array(destinationOperation) }),
});

export const outputMessage = z.discriminatedUnion('type', [
  specMessage,
  connectionStatusMessage,
  logMessage,
  traceErrorMessage,
  stateMessage,
  destinationCatalogMessage,
]);
