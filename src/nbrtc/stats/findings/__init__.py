"""What is wrong with a call, in words: rules, their patience, and the sentences."""
