"""Customers of rush.yaml as Locust users; --host HOST:PORT says whose ATMs they are."""

from locust import constant

from atm_sim.locust.user import AtmUser


class Customer(AtmUser):
    """Pauses for a tenth of a second after each answer."""

    scenario = "rush.yaml"
    wait_time = constant(0.1)
