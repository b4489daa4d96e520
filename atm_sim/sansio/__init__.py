"""What the sans-IO machines (terminal, acquirer, switch) have in common: their events, effects and queues."""
