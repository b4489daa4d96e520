"""Incidents of the past as small models: published figures against what comes out; what assumptions are worth."""
