"""Files that people write (scenarios, scripts): read with positions, values with units, all faults told at once."""
