"""Smart cards and their readers. Knows neither the bank nor the ATM world; they may use it."""
