"""How good a call is: mean opinion scores that say what they are made of."""
