"""Both ends of a connection side by side, on one clock."""
