"""Conditions that statistics have to meet in time."""
