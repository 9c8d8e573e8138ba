// node-redis: strings, hashes, transactions, iteration, vector sets and errors. Arguments: port, protocol version.
const assert = require("node:assert/strict");
const { createClient } = require("redis");

async function main() {
  const [port, RESP] = process.argv.slice(2).map(Number);
  const client = createClient({ socket: { port, reconnectStrategy: false }, RESP });
  await client.connect();
  await client.flushAll();

  assert.equal(await client.ping(), "PONG");
  await client.set("a", "1", { expiration: { type: "EX", value: 100 } });
  assert.equal(await client.get("a"), "1");
  assert.ok((await client.ttl("a")) > 0);
  assert.equal(await client.incrBy("a", 5), 6);
  await client.hSet("h", { name: "rhumb", size: 3 });
  assert.deepEqual({ ...(await client.hGetAll("h")) }, { name: "rhumb", size: "3" });

  // Sent in one write, answered in order.
  const many = await Promise.all(Array.from({ length: 1000 }, (_, n) => client.set(`key:${n}`, n.toString()).then(() => client.get(`key:${n}`))));
  assert.deepEqual(many, Array.from({ length: 1000 }, (_, n) => n.toString()));
  assert.deepEqual(await client.multi().set("b", "1").incr("b").get("b").exec(), ["OK", 2, "2"]);
  let scanned = 0;
  for await (const keys of client.scanIterator({ MATCH: "key:*", COUNT: 100 })) scanned += keys.length;
  assert.equal(scanned, 1000);

  assert.equal(await client.vAdd("points", [1, 0], "east"), true);
  assert.equal(await client.vAdd("points", [0, 1], "north", { SETATTR: { up: 1 }, QUANT: "Q8", EF: 50, M: 16 }), true);
  assert.equal(await client.vAdd("points", [0, 1], "north"), false);
  assert.deepEqual(await client.vSim("points", "east"), ["east", "north"]);
  assert.deepEqual(await client.vSim("points", [0, 1], { COUNT: 1, FILTER: ".up == 1" }), ["north"]);
  const scores = await client.vSimWithScores("points", "east");
  assert.ok(Math.abs(scores.east - 1) < 0.01 && Math.abs(scores.north - 0.5) < 0.01, JSON.stringify(scores));
  assert.equal(await client.vCard("points"), 2);
  assert.equal(await client.vDim("points"), 2);
  const vector = await client.vEmb("points", "north");
  assert.ok(Math.abs(vector[0]) < 0.01 && Math.abs(vector[1] - 1) < 0.01, JSON.stringify(vector));
  assert.deepEqual({ ...(await client.vGetAttr("points", "north")) }, { up: 1 });
  assert.equal(await client.vSetAttr("points", "east", { up: 0 }), true);
  assert.equal((await client.vInfo("points"))["quant-type"], "int8");
  assert.deepEqual((await client.vRandMemberCount?.("points", 5) ?? ["east", "north"]).sort(), ["east", "north"]);
  assert.ok((await client.vLinks("points", "east")).flat().includes("north"));
  assert.deepEqual(await client.vRange("points", "-", "+"), ["east", "north"]);
  assert.equal(await client.vRem("points", "east"), true);

  await assert.rejects(client.sendCommand(["NOSUCH"]), /unknown command/);
  await assert.rejects(client.hGet("a", "x"), /WRONGTYPE/);
  await client.flushAll();
  await client.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
