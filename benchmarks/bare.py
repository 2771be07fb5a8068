"""The least that a CSV import can do: polars reads the file, executemany inserts its rows.

Run by benchmarks.plan in a process of its own: python -m benchmarks.bare FILE DATABASE
"""

import sqlite3
import sys
import time

import polars as pl


def main(source: str, target: str) -> None:
    """Print the seconds it took."""
    began = time.perf_counter()
    frame = pl.read_csv(source)
    connection = sqlite3.connect(target, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    columns = ", ".join(frame.columns)
    connection.execute(f"CREATE TABLE plain ({columns})")
    connection.execute("BEGIN")
    places = ", ".join("?" * frame.width)
    connection.executemany(f"INSERT INTO plain VALUES ({places})", frame.iter_rows())
    connection.execute("COMMIT")
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
