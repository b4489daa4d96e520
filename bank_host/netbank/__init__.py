"""Internet banking over HTTP: sessions, forms, pages and a JSON API around the acts of the customer's controls.

No rule is in here: what a customer may do is decided by `bank_host.rules.acts`, and asked for by `Bank.act`.
`bank_host.netbank.app.create_app` makes the application.
"""
