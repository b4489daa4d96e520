"""The judges of a run: measures over its event rows, and what the scenario expected of steps and measures."""
