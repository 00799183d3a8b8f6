/** `discover`: prints the operations that data activation can use on the users of this project, and their fields. */
import { offeredOperations } from '../streams/users-object.ts';
import { connectBriefly, loadConfig } from '../app/connect.ts';
import type { CommandContext, CommandPaths } from './context.ts';

export async function runDiscover(
  context: CommandContext,
  { config: path = '' }: CommandPaths,
): Promise<number> {
  const { writer, clock, stopSignal } = context;
  const { config, proxies } = await loadConfig(path, context);
  const connection = await connectBriefly(config, { proxies, clock, stop: stopSignal });
  try {
    const fields = await connection.caller.call(connection.client.getFields());
    await writer.destinationCatalog(offeredOperations(fields, config));
  } finally {
    connection.close();
  }
  return 0;
}
