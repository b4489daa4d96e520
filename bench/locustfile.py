"""The baseline of bench.load: its traffic by Locust users without pauses (BENCH_SCENARIO, BENCH_DIALECT: its files)."""

import os

from locust import constant

from atm_sim.locust.user import AtmUser


class Customer(AtmUser):
    """Comes again at once."""

    scenario = os.environ["BENCH_SCENARIO"]
    dialect = os.environ["BENCH_DIALECT"]
    most_workers = 1
    wait_time = constant(0)
