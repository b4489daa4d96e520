"""Benchmarks. Each prints how it measures, its figures, and as its last line one JSON object."""
