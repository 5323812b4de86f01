"""ICE: which servers help the two ends to find each other."""
