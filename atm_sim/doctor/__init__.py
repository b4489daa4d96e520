"""Says why a peer and we do not understand each other: bytes in, findings out; only the driver touches a network."""
