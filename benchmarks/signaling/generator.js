// Clients for a room server: they join rooms and send candidates to each other, as fast as they come back.
//
// node generator.js URL reads a JSON command a line and answers each with a line:
//   {"do": "join", "clients": 1000, "perRoom": 10}     one after the other; {"latenciesMs": [...]}
//   {"do": "relay", "bytes": 200, "window": 8, "acknowledged": false}     to one's neighbour, both ways; {}
//   {"do": "count"}     {"delivered": 1234}
//   {"do": "stop"}      once nothing is on its way any more; {"sent": 1234, "delivered": 1234, "acknowledged": 0}
//
// It speaks Engine.IO and Socket.IO by hand, because their client would be the bottleneck.

const { createInterface } = require("node:readline");
const { WebSocket } = require("../../js/node_modules/ws");

const url = `${process.argv[2].replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`;
const JOIN = 0;
const EVENT = '42["ice-candidate",';

const clients = [];
const total = { sent: 0, delivered: 0, acknowledged: 0 };
let flow = null;

class Client {
  constructor(number, perRoom) {
    this.number = number;
    this.id = `client-${number}`;
    this.room = `room-${Math.floor(number / perRoom)}`;
  }

  join() {
    return new Promise((resolve, reject) => {
      this.joined = resolve;
      this.failed = reject;
      this.socket = new WebSocket(url);
      this.socket.on("message", (data) => this.take(data.toString("latin1")));
      this.socket.on("error", reject);
      this.socket.on("close", (code) => fail(new Error(`${this.id} was disconnected (${code})`)));
    });
  }

  take(text) {
    if (text.startsWith(EVENT)) {
      total.delivered += 1;
      this.neighbour.wants += 1; // its message has arrived: it may send the next
      pump(this.neighbour);
    } else if (text === "2") {
      this.socket.send("3");
    } else if (text[0] === "0") {
      this.socket.send("40{}");
    } else if (text.startsWith("40")) {
      const request = { roomId: this.room, userId: this.id, userName: this.id, create: true, protocol: 1 };
      this.socket.send(`42${JOIN}${JSON.stringify(["join-room", request])}`);
    } else if (text.startsWith("43")) {
      this.acknowledge(text);
    } else if (text.startsWith('42["error"')) {
      fail(new Error(text));
    }
  }

  acknowledge(text) {
    if (!text.includes('{"ok":')) {
      fail(new Error(text));
    } else if (text.startsWith(`43${JOIN}[`)) {
      this.joined();
    } else {
      total.acknowledged += 1;
    }
  }

  prepare(neighbour, bytes, acknowledged) {
    this.neighbour = neighbour;
    this.wants = 0;
    const head = acknowledged ? `421["ice-candidate",` : EVENT;
    const packet = (pad) => {
      const candidate = `candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host ${"x".repeat(pad)}`;
      return `${head}${JSON.stringify({ to: neighbour.id, candidate: { candidate, sdpMid: "0", sdpMLineIndex: 0 } })}]`;
    };
    this.packet = packet(bytes - packet(0).length);
  }
}

function pump(client) {
  while (flow && client.wants > 0) {
    client.wants -= 1;
    total.sent += 1;
    client.socket.send(client.packet);
  }
}

function fail(error) {
  console.error(error.stack);
  process.exit(1);
}

const commands = {
  async join({ clients: count, perRoom }) {
    const latenciesMs = [];
    for (let number = 0; number < count; number++) {
      const client = new Client(clients.length, perRoom);
      const before = performance.now();
      await client.join();
      latenciesMs.push(performance.now() - before);
      clients.push(client);
    }
    return { latenciesMs };
  },

  relay({ bytes, window, acknowledged }) {
    Object.assign(total, { sent: 0, delivered: 0, acknowledged: 0 });
    flow = { acknowledged };
    for (const client of clients) {
      client.prepare(clients[client.number ^ 1], bytes, acknowledged);
    }
    for (const client of clients) {
      client.wants = window;
      pump(client);
    }
    return {};
  },

  count() {
    return { delivered: total.delivered };
  },

  async stop() {
    const { acknowledged } = flow;
    flow = null;
    while (total.delivered < total.sent || (acknowledged && total.acknowledged < total.sent)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return total;
  },
};

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    console.log(JSON.stringify(await commands[command.do](command)));
  }
  process.exit(0);
}

main().catch(fail);
