"""The issuing bank: rules, ledger, storage, PIN security, ISO 8583 messages and the host that ties them together."""
