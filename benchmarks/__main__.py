"""Runs the benchmarks: python3 run.py bench [NAME ...] [--quick] [--json]."""

import argparse
import importlib
import sys

from benchmarks.figures import Figure, as_json, as_table

NAMES = ("journal", "reporting", "hub", "socketio", "plan", "jobs", "tables", "pages", "quality")


def main() -> int:
    """Run the benchmarks that were named, or all, and print one table."""
    parser = argparse.ArgumentParser(prog="python3 run.py bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument(
        "--quick", action="store_true", help="less data; a minute a name, three for hub"
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {NAMES}")
    figures: list[Figure] = []
    for name in options.names or NAMES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        figures += importlib.import_module(f"benchmarks.{name}").run(quick=options.quick)
    print(as_json(figures) if options.json else as_table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
