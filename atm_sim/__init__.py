"""The world and everything that runs it: scenario, people, ATMs, network, records, checks and reports."""
