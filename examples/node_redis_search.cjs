// Semantic search with node-redis: Debian packages, kept as hashes, found by what they are for.
//
//     npm install redis@6
//     node examples/node_redis_search.cjs [--port 6379] [--question 0] [--section python]
//
// Loads the bundled packages into an index called `debian`, asks a question and drops the index with its hashes again. The vectors
// of packages and questions were computed beforehand (data/README.md says how): no model is needed here.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { parseArgs } = require("node:util");
const { createClient } = require("redis");

const DATA = join(__dirname, "..", "data");
const DIMENSION = 384;

const SCHEMA = {
  name: { type: "TEXT" },
  section: { type: "TAG" },
  size: { type: "NUMERIC" },
  vector: { type: "VECTOR", ALGORITHM: "HNSW", TYPE: "FLOAT32", DIM: DIMENSION, DISTANCE_METRIC: "COSINE" },
};

/** The number that 16 bits stand for. */
function half(bits) {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** The rows of an .npy file of f16, packed as f32. */
function vectors(name) {
  const file = readFileSync(join(DATA, name));
  const rows = file.subarray(10 + file.readUInt16LE(8));
  const count = rows.length / 2 / DIMENSION;
  const row = (n) => Float32Array.from({ length: DIMENSION }, (_, at) => half(rows.readUInt16LE(2 * (n * DIMENSION + at))));
  return Array.from({ length: count }, (_, n) => Buffer.from(row(n).buffer));
}

const lines = (name) => readFileSync(join(DATA, name), "utf8").trimEnd().split("\n");

async function main() {
  const option = (value) => ({ type: "string", default: value });
  const { values: given } = parseArgs({ options: { port: option("6379"), question: option("0"), section: { type: "string" } } });
  const text = lines("debian-3000.queries.txt")[given.question];
  if (text === undefined) throw new RangeError("there are the questions 0 to 99");
  const client = await createClient({ socket: { port: Number(given.port) } }).connect();
  // A run before this one may not have come to its end.
  if ((await client.ft._list()).includes("debian")) await client.ft.dropIndex("debian", { DD: true });
  await client.ft.create("debian", SCHEMA, { ON: "HASH", PREFIX: "debian:" });
  try {
    const rows = vectors("debian-3000.f16.npy");
    const packages = lines("debian-3000.meta.jsonl").map((line, n) => ({ ...JSON.parse(line), vector: rows[n] }));
    const stored = ({ name, section, size, desc, vector }) => ({ name, section, size: String(size), desc, vector });
    await Promise.all(packages.map((about) => client.hSet(`debian:${about.name}`, stored(about))));

    // A parameter, since names like gnu-r would have to be escaped in the query.
    const filter = given.section ? "@section:{$section}" : "*";
    const PARAMS = { section: given.section ?? "", vector: vectors("debian-3000.queries.f16.npy")[Number(given.question)] };
    const { total } = await client.ft.search("debian", filter, { PARAMS, LIMIT: { from: 0, size: 0 } });
    const near = await client.ft.search("debian", `(${filter})=>[KNN 5 @vector $vector AS distance]`, {
      PARAMS,
      SORTBY: "distance",
      RETURN: ["distance", "name", "section", "desc"],
    });
    console.log(`${text}\n\nThe nearest of ${total} packages:`);
    for (const { value: hit } of near.documents) {
      console.log(`${Number(hit.distance).toFixed(3)}  ${hit.name} (${hit.section}): ${hit.desc}`);
    }
  } finally {
    await client.ft.dropIndex("debian", { DD: true });
    await client.close();
  }
}

main();
