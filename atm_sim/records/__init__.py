"""The run's memory: the flat event record, the message log, and the run folder they are written to."""
