"""Statistics as pictures: one call, or several beside each other."""
