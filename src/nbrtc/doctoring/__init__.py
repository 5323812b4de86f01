"""The check of a connection: its results, its pages, and the widget that makes one."""
