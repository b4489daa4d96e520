"""The world: people, sites, links and the drivers that move the machines through time."""
