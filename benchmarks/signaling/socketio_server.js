// npm's socket.io as a tutorial's room server: rooms, a sender's stamp, and nothing checked or limited.
// Prints its URL and serves until it is terminated. A plain request collects garbage, so that memory can be read.

const { createServer } = require("node:http");
const { Server } = require("../../js/node_modules/socket.io");

const rooms = new Map();

function join(socket, { roomId, userId, userName }, acknowledge) {
  if (!rooms.has(roomId)) {
    rooms.set(roomId, new Map());
  }
  const room = rooms.get(roomId);
  room.set(userId, { socket, userName });
  Object.assign(socket.data, { roomId, userId });
  const participants = [...room].map(([id, one]) => ({ userId: id, userName: one.userName }));
  socket.to(roomId).emit("participant-joined", { roomId, userId, userName });
  socket.join(roomId);
  acknowledge({ ok: { roomId, userId, participants } });
}

function relay(socket, { to, candidate }, acknowledge) {
  const { roomId, userId } = socket.data;
  const receiver = rooms.get(roomId)?.get(to);
  receiver?.socket.emit("ice-candidate", { roomId, from: userId, candidate, to });
  acknowledge?.({ ok: { delivered: receiver ? 1 : 0 } });
}

function leave(socket) {
  const { roomId, userId } = socket.data;
  const room = rooms.get(roomId);
  room?.delete(userId);
  if (room?.size === 0) {
    rooms.delete(roomId);
  }
  socket.to(roomId).emit("participant-left", { roomId, userId });
}

const http = createServer((_, response) => {
  global.gc();
  response.writeHead(204).end();
});
const io = new Server(http);
io.on("connection", (socket) => {
  socket.on("join-room", (request, acknowledge) => join(socket, request, acknowledge));
  socket.on("ice-candidate", (message, acknowledge) => relay(socket, message, acknowledge));
  socket.on("disconnect", () => leave(socket));
});
http.listen(0, "127.0.0.1", 512, () => console.log(`http://127.0.0.1:${http.address().port}`));
process.on("SIGTERM", () => process.exit(0));
