"""Statistics as DataFrames: tidy, wide, and the members of stats objects as they are."""
