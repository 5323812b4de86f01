"""The load benchmark of the room server, beside npm's socket.io."""
