"""Where the bank's facts live: one contract, two stores (memory for simulations, SQL for everything else)."""
