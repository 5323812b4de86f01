"""The engine process: the Python peer of a call, out of reach of a busy kernel. Nobody else imports it."""
