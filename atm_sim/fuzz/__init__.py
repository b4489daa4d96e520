"""The fault hunter: random worlds from seeds, played under every invariant, shrunk to a short file when one fails."""
