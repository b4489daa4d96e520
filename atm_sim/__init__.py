"""The world and everything that runs it: scenario, people, ATMs, network, records, checks and reports."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("atm-sim")
except PackageNotFoundError:  # run from a checkout that nothing has installed
    VERSION = "unknown"
