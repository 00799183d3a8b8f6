/** The texts of `--help`: for the program, and for each command with examples. */
import type { CommandName } from './program.ts';

/** Also shown if the command line is invalid. */
export const USAGE = `destination-iterable: an Airbyte destination for Iterable

Usage:
  destination-iterable spec                               print what can be configured
  destination-iterable check --config FILE                try the configuration against Iterable
  destination-iterable discover --config FILE             print the user fields, for data activation
  destination-iterable write --config FILE --catalog FILE read Airbyte messages on stdin, deliver them
  destination-iterable plan --config FILE --catalog FILE  say what write would do, and change nothing

Messages go to stdout, one JSON object a line. FILE is JSON whatever its name ends in.
With examples: destination-iterable COMMAND --help

Example:
  cat messages.jsonl | destination-iterable write --config config.json --catalog catalog.json
`;

const COMMAND_HELP: Readonly<Record<CommandName, string>> = {
  spec: `destination-iterable spec: print what can be configured

Prints one SPEC message: every option with its title, description and default. Needs no configuration and no network.

Examples:
  List the options with their defaults:
    destination-iterable spec | jq '.spec.connectionSpecification.properties | map_values(.default)'
  Begin a configuration; api_key is the only option that has to be there:
    echo '{"api_key": "...", "data_center": "us"}' > config.json
`,
  check: `destination-iterable check --config FILE: try the configuration against Iterable

Lists all mistakes of the configuration, asks Iterable whether the key works, and tries ledger and rejected_records.
Prints one CONNECTION_STATUS, SUCCEEDED or FAILED with the reason, and exits 0 either way.

Examples:
  destination-iterable check --config config.json
  In a script that should end on a mistake:
    destination-iterable check --config config.json | grep -q '"SUCCEEDED"'

Next: destination-iterable write --help
`,
  discover: `destination-iterable discover --config FILE: print the user fields, for data activation

Prints one DESTINATION_CATALOG: the object "users" with the fields that the project has, and which of them can identify a user.

Example:
  List the fields:
    destination-iterable discover --config config.json | jq '.destination_catalog.operations[0].json_schema.properties | keys'
`,
  write: `destination-iterable write --config FILE --catalog FILE: read Airbyte messages on stdin, deliver them

  --config FILE    the options; at least {"api_key": "..."}
  --catalog FILE   the streams, as the orchestrator makes them
  --state FILE     an option of sources; accepted, but not read

Each line of stdin is a message. RECORDs become users in Iterable; each STATE comes back on stdout once all records before it are
delivered. On a terminal, stderr shows the progress, and a table at the end. Exit code 0: every record was read and has its outcome.

Examples:
  The smallest catalog:
    echo '{"streams": [{"stream": {"name": "users", "json_schema": {}, "supported_sync_modes": ["incremental"]},
      "sync_mode": "incremental", "destination_sync_mode": "append_dedup"}]}' > catalog.json
  One user:
    echo '{"type": "RECORD", "record": {"stream": "users", "emitted_at": 1790000000000,
      "data": {"email": "ada@example.com", "firstName": "Ada"}}}' | tr -d '\\n' |
      destination-iterable write --config config.json --catalog catalog.json
  A file of rows, one JSON object a line, with the messages kept and the progress on the screen:
    jq -c '{type: "RECORD", record: {stream: "users", emitted_at: 1790000000000, data: .}}' rows.jsonl |
      destination-iterable write --config config.json --catalog catalog.json > messages.jsonl
  What was rejected, and why:
    jq -r 'select(.log.level == "WARN").log.message' messages.jsonl

When it fails: the last line on stdout says why. docs/errors.md has every code, docs/rejections.md every reason for a rejection.
`,
  plan: `destination-iterable plan --config FILE --catalog FILE [--json]: say what write would do, and change nothing

  --config FILE    the options, as for write
  --catalog FILE   the streams, as for write
  --json           one JSON document instead of text

Reads the same messages on stdin as write, and asks Iterable and the ledger what write would ask them; writes nothing, in Iterable, in the
ledger or anywhere else. Says for each stream how many users are new, changed, unchanged, removed, skipped and rejected,
how many join and leave each list, which calls are needed and how long they take at least. No address, id or value of a user is shown.
Exit code 0, or 1 when write would fail.

Examples:
  Before the first sync, or after a change of the mappings:
    cat messages.jsonl | destination-iterable plan --config config.json --catalog catalog.json
  Which users would be removed because a full snapshot lacks them (needs a ledger; for a snapshot without stream statuses,
  set trust_end_of_input):
    destination-iterable plan --config config.json --catalog full-refresh.json < snapshot.jsonl
  In a script that continues only if no user would be removed:
    destination-iterable plan --config config.json --catalog catalog.json --json < messages.jsonl |
      jq -e '[.streams[] | .removed + .removed_by_absence] | add == 0'

Next: the same command line with write instead of plan.
`,
};

/** The text of `--help`, or of `COMMAND --help`. */
export function helpText(command: CommandName | undefined): string {
  return command === undefined ? USAGE : COMMAND_HELP[command];
}
