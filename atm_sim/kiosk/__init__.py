"""The ATM in the browser: the simulator's terminal, network and host, driven by a person at a person's pace (issue 10).

The server holds all state; the page shows what it is told and says which key was pressed. `server` is the web side,
`hall` the ATMs on one bank, `atm` one of them, `front` its screens and keys, `glass` what trainers see under the glass.
"""
