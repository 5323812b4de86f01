"""The teaching lab: networks that misbehave on purpose."""
