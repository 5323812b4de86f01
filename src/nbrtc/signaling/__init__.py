"""The way between rooms and participants: Socket.IO server and client, and who may come in."""
