"""The live panel as a widget of its own."""
