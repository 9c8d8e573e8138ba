// node-redis: JSON documents, and indexes over hashes and JSON. Arguments: port, protocol version (0: the one that node-redis asks for).
const assert = require("node:assert/strict");
const { createClient } = require("redis");

const packed = (...components) => Buffer.from(new Float32Array(components).buffer);
const names = (found) => found.documents.map((document) => document.id);
const plain = (value) => JSON.parse(JSON.stringify(value));

async function json(client) {
  const book = { title: "Dune", year: 1965, tags: ["desert", "spice"], author: { name: "Frank Herbert" }, read: false };
  assert.equal(await client.json.set("book", "$", book), "OK");
  assert.deepEqual(await client.json.get("book"), book);
  assert.deepEqual(await client.json.get("book", { path: "$.author.name" }), ["Frank Herbert"]);
  assert.deepEqual(await client.json.get("book", { path: ["$.title", "$.year"] }), { "$.title": ["Dune"], "$.year": [1965] });
  assert.equal(await client.json.set("book", "$.pages", 412, { NX: true }), "OK");
  assert.equal(await client.json.set("book", "$.pages", 1, { condition: "NX" }), null);
  assert.deepEqual((await client.json.type("book", { path: "$.tags" })).flat(), ["array"]);
  assert.deepEqual(await client.json.numIncrBy("book", "$.year", 1), [1966]);
  assert.deepEqual(await client.json.arrAppend("book", "$.tags", "worm"), [3]);
  assert.deepEqual(await client.json.arrPop("book", { path: "$.tags", index: 0 }), ["desert"]);
  assert.deepEqual(await client.json.arrLen("book", { path: "$.tags" }), [2]);
  assert.deepEqual(await client.json.strAppend("book", " Messiah", { path: "$.title" }), [12]);
  assert.deepEqual(await client.json.toggle("book", "$.read"), [1]);
  assert.deepEqual(await client.json.objKeys("book", { path: "$.author" }), [["name"]]);
  assert.equal(await client.json.merge("book", "$", { read: null, next: "Children" }), "OK");
  assert.equal(await client.json.mSet([{ key: "one", path: "$", value: 1 }, { key: "two", path: "$", value: [2] }]), "OK");
  assert.deepEqual(await client.json.mGet(["one", "none", "two"], "$"), [[1], null, [[2]]]);
  assert.equal(await client.json.del("book", { path: "$.pages" }), 1);
  assert.deepEqual(Object.keys(await client.json.get("book")), ["title", "year", "tags", "author", "next"]);
  await assert.rejects(client.json.set("none", "$.a", 1), /new objects must be created at the root/);
}

async function hashes(client) {
  const schema = {
    name: { type: "TEXT", WEIGHT: 2, SORTABLE: true },
    kind: { type: "TAG", SEPARATOR: "|" },
    size: { type: "NUMERIC", SORTABLE: true },
    at: "GEO",
    v: { type: "VECTOR", ALGORITHM: "HNSW", TYPE: "FLOAT32", DIM: 2, DISTANCE_METRIC: "L2", M: 8 },
  };
  assert.equal(await client.ft.create("pets", schema, { ON: "HASH", PREFIX: "pet:" }), "OK");
  await assert.rejects(client.ft.create("pets", schema), /Index already exists/);
  const pets = [["Tom", "cat|tame", 3, "13.4,52.5"], ["Rex", "dog|tame", 7, "2.35,48.85"], ["Tom Tom", "fish", 1, "13.3,52.4"]];
  for (const [n, [name, kind, size, at]] of pets.entries()) {
    await client.hSet(`pet:${n}`, { name, kind, size, at, v: packed(n, 0) });
  }
  assert.deepEqual([...(await client.ft._list())], ["pets"]);
  const info = await client.ft.info("pets");
  assert.equal(Number(info.num_docs), 3);
  assert.equal(info.index_name, "pets");
  assert.deepEqual(info.attributes.map((field) => field.attribute), Object.keys(schema));

  assert.deepEqual(names(await client.ft.search("pets", "tom", { SORTBY: "size" })), ["pet:2", "pet:0"]);
  const rex = await client.ft.search("pets", "@kind:{dog}", { RETURN: ["name", "size"] });
  assert.deepEqual([rex.total, plain(rex.documents)], [1, [{ id: "pet:1", value: { name: "Rex", size: "7" } }]]);
  assert.deepEqual((await client.ft.searchNoContent("pets", "@size:[2 +inf]")).documents, ["pet:0", "pet:1"]);
  assert.deepEqual(names(await client.ft.search("pets", "@at:[13.4 52.5 50 km]")), ["pet:0", "pet:2"]);
  assert.equal((await client.ft.search("pets", "*", { LIMIT: { from: 0, size: 0 } })).total, 3);
  const near = await client.ft.search("pets", "*=>[KNN 2 @v $v AS distance]", {
    PARAMS: { v: packed(1.75, 0) }, SORTBY: "distance", RETURN: ["name", "distance"], DIALECT: 2,
  });
  assert.deepEqual(plain(near.documents.map(({ id, value }) => [id, value.distance])), [["pet:2", "0.0625"], ["pet:1", "0.5625"]]);
  const within = await client.ft.search("pets", "@kind:{tame} @v:[VECTOR_RANGE $r $v]", { PARAMS: { r: 1, v: packed(1, 0) } });
  assert.deepEqual(names(within), ["pet:0", "pet:1"]);

  const counts = await client.ft.aggregate("pets", "*", {
    STEPS: [
      { type: "GROUPBY", properties: "@kind", REDUCE: [{ type: "COUNT", AS: "count" }, { type: "SUM", property: "@size", AS: "sizes" }] },
      { type: "SORTBY", BY: "@sizes" },
    ],
  });
  assert.deepEqual(plain(counts.results.map((row) => [row.count, row.sizes])), [["1", "1"], ["1", "3"], ["1", "7"]]);
  const { cursor, results } = await client.ft.aggregateWithCursor("pets", "*", { LOAD: "@name", COUNT: 2 });
  const rest = await client.ft.cursorRead("pets", cursor);
  assert.deepEqual([...results, ...rest.results].map((row) => row.name).sort(), ["Rex", "Tom", "Tom Tom"]);

  // A full page may be the last one: the next read tells.
  const whole = await client.ft.aggregateWithCursor("pets", "*", { COUNT: 3 });
  const nothing = await client.ft.cursorRead("pets", whole.cursor);
  assert.deepEqual([whole.results.length, nothing.results.length, Number(nothing.cursor)], [3, 0, 0]);

  assert.deepEqual([...(await client.ft.tagVals("pets", "kind"))].sort(), ["cat", "dog", "fish", "tame"]);
  assert.equal(await client.ft.alter("pets", { legs: "NUMERIC" }), "OK");
  assert.equal(await client.ft.aliasAdd("animals", "pets"), "OK");
  assert.equal((await client.ft.search("animals", "rex")).total, 1);
  assert.match(await client.ft.explain("pets", "@size:[1 2]"), /NUMERIC/);
  await assert.rejects(client.ft.search("none", "*"), /No such index/);
  assert.equal(await client.ft.dropIndex("pets", { DD: true }), "OK");
  assert.equal(await client.exists("pet:1"), 0);
}

async function documents(client) {
  const vector = { type: "VECTOR", ALGORITHM: "FLAT", TYPE: "FLOAT32", DIM: 2, DISTANCE_METRIC: "COSINE" };
  const schema = {
    "$.title": { type: "TEXT", AS: "title" },
    "$.tags[*]": { type: "TAG", AS: "tags" },
    "$.year": { type: "NUMERIC", AS: "year", SORTABLE: true },
    "$.v": { ...vector, AS: "v" },
  };
  await client.ft.create("books", schema, { ON: "JSON", PREFIX: "book:" });
  const dune = { title: "Dune", tags: ["desert", "spice"], year: 1965, v: [1, 0] };
  const children = { title: "Children of Dune", tags: ["desert"], year: 1976, v: [0, 1] };
  await Promise.all([client.json.set("book:1", "$", dune), client.json.set("book:2", "$", children)]);
  const found = await client.ft.search("books", "@tags:{spice}");
  assert.deepEqual(plain(found.documents), [{ id: "book:1", value: dune }]);
  assert.deepEqual(names(await client.ft.search("books", "dune", { SORTBY: { BY: "year", DIRECTION: "DESC" } })), ["book:2", "book:1"]);
  const near = await client.ft.search("books", "(@year:[1970 1980])=>[KNN 2 @v $v AS d]", { PARAMS: { v: packed(1, 0) }, RETURN: ["title", "d"] });
  assert.deepEqual(plain(near.documents), [{ id: "book:2", value: { title: "Children of Dune", d: "1" } }]);
  await client.ft.dropIndex("books");
}

async function main() {
  const [port, version] = process.argv.slice(2).map(Number);
  const client = createClient({ socket: { port, reconnectStrategy: false }, ...(version ? { RESP: version } : {}) });
  await client.connect();
  await client.flushAll();
  await json(client);
  await hashes(client);
  await documents(client);
  await client.flushAll();
  await client.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
