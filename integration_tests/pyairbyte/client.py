"""
Runs PyAirbyte with the connector. Reads one JSON order per line from stdin, and writes one JSON answer per line to file
descriptor 3, because PyAirbyte itself prints to stdout and stderr.
"""

import json
import os
import sys
from functools import cache
from pathlib import Path

import airbyte as ab
from airbyte.caches import DuckDBCache
from airbyte.strategies import WriteStrategy
from sqlalchemy import text


def check(order):
    try:
        destination(order).check()
    except ab.exceptions.AirbyteConnectorCheckFailedError as error:
        return {"status": "FAILED", "message": str(error)}
    return {"status": "SUCCEEDED"}


def write(order):
    """Writes from the source through a cache to the destination; with `straight`, the cache stores only the states."""
    source = source_of(order["faker"])
    source.set_config(order["source"], validate=False)
    duckdb = DuckDBCache(db_path=order["cache"])
    caches = {"cache": False, "state_cache": duckdb} if order["straight"] else {"cache": duckdb}
    try:
        result = destination(order).write(
            source,
            streams=["users"],
            write_strategy=WriteStrategy(order["strategy"]),
            force_full_refresh=order["fullRefresh"],
            **caches,
        )
    except ab.exceptions.AirbyteConnectorWriteError as error:
        return {"error": str(error), "states": stored_states(duckdb)}
    return {
        "sent": result.processed_records,
        # The records that the destination has confirmed; the result itself only counts the records sent to it.
        "confirmed": result._progress_tracker.total_destination_records_confirmed,
        "states": stored_states(duckdb),
    }


def stored_states(duckdb):
    """The destination states that PyAirbyte has stored: the whole message, one row per stream."""
    columns = "destination_name, source_name, stream_name, state_json"
    query = text(f"SELECT {columns} FROM {duckdb.schema_name}._airbyte_destination_state")
    with duckdb.get_sql_engine().connect() as connection:
        rows = connection.execute(query).all()
    return [{"of": "/".join(names), "state": json.loads(state)} for *names, state in rows]


@cache
def source_of(faker):
    """Shared by all orders, since PyAirbyte runs spec and discover again for each new source."""
    return ab.get_source("source-faker", local_executable=Path(faker))


def destination(order):
    return ab.get_destination(
        "destination-iterable", local_executable=Path(order["executable"]), config=order["config"]
    )


COMMANDS = {"check": check, "write": write}

with os.fdopen(3, "w", buffering=1) as answers:
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(COMMANDS[order["command"]](order)), file=answers)
