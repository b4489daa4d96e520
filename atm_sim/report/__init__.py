"""What people and programs read after a run: report.html, junit.xml, console. Reads the run folder only."""
