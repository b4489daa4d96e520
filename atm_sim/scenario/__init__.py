"""Scenario files: read, checked and typed. `load` a file, run its `rows`; what is wrong comes as one ScenarioError."""

from __future__ import annotations

from atm_sim.scenario.demand import Stream
from atm_sim.scenario.errors import ScenarioError
from atm_sim.scenario.faults import Fault
from atm_sim.scenario.loader import Alter, Case, Loaded, load, loads, masked_text, rows
from atm_sim.scenario.measured import Expectation
from atm_sim.scenario.model import Run, Scenario, Timers
from atm_sim.scenario.names import Known
from atm_sim.scenario.participants import Bank, Person, Place
from atm_sim.scenario.schema import json_schema
from atm_sim.scenario.step_parts import StepExpectation
from atm_sim.scenario.steps import Step
from bank_host.written.problems import Problem
from bank_host.written.values import Distribution, Moment

__all__ = [
    "Alter",
    "Bank",
    "Case",
    "Distribution",
    "Expectation",
    "Fault",
    "Known",
    "Loaded",
    "Moment",
    "Person",
    "Place",
    "Problem",
    "Run",
    "Scenario",
    "ScenarioError",
    "Step",
    "StepExpectation",
    "Stream",
    "Timers",
    "json_schema",
    "load",
    "loads",
    "masked_text",
    "rows",
]
