/** Builds what an orchestrator sends: catalogs and message lines. */

export interface StreamOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly jsonSchema?: Record<string, unknown>;
  readonly syncMode?: string;
  readonly destinationSyncMode?: string;
  readonly primaryKey?: string[][];
  readonly generationId?: number;
  readonly minimumGenerationId?: number;
  readonly syncId?: number;
  readonly destinationObjectName?: string;
}

export function aStream(options: StreamOptions = {}) {
  return {
    stream: {
      name: options.name ?? 'users',
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
      json_schema: options.jsonSchema ?? {},
      supported_sync_modes: ['full_refresh', 'incremental'],
    },
    sync_mode: options.syncMode ?? 'incremental',
    destination_sync_mode: options.destinationSyncMode ?? 'append_dedup',
    ...(options.primaryKey ? { primary_key: options.primaryKey } : {}),
    ...(options.generationId === undefined ? {} : { generation_id: options.generationId }),
    ...(options.minimumGenerationId === undefined
      ? {}
      : { minimum_generation_id: options.minimumGenerationId }),
    ...(options.syncId === undefined ? {} : { sync_id: options.syncId }),
    ...(options.destinationObjectName === undefined
      ? {}
      : { destination_object_name: options.destinationObjectName }),
  };
}

export function aCatalog(...streams: ReturnType<typeof aStream>[]) {
  return { streams: streams.length > 0 ? streams : [aStream()] };
}

export interface RecordOptions {
  readonly stream?: string;
  readonly namespace?: string;
  readonly meta?: unknown;
}

/** One RECORD line, newline included. */
export function aRecord(data: Record<string, unknown>, options: RecordOptions = {}): string {
  return line({
    type: 'RECORD',
    record: {
      stream: options.stream ?? 'users',
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
      data,
      emitted_at: 1_790_000_000_000,
      ...(options.meta === undefined ? {} : { meta: options.meta }),
    },
  });
}

/** One STATE line of a stream, identified by its cursor. */
export function aState(cursor: unknown, stream = 'users'): string {
  return line({
    type: 'STATE',
    state: { type: 'STREAM', stream: { stream_descriptor: { name: stream }, stream_state: { cursor } } },
  });
}

export function aStatus(status: string, stream = 'users'): string {
  return line({
    type: 'TRACE',
    trace: {
      type: 'STREAM_STATUS',
      emitted_at: 1,
      stream_status: { stream_descriptor: { name: stream }, status },
    },
  });
}

export function line(message: unknown): string {
  return `${JSON.stringify(message)}\n`;
}
