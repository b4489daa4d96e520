"""What is set wrong on purpose, a row for each requirement: the scenarios that claim it have to notice."""
