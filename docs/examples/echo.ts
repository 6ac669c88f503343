import { callRecord, createIdentity, listen } from "mxp/node";

// Two nodes, each with an identity of its own, that trust each other and nobody else.
const [alice, bob] = [createIdentity(), createIdentity()];
const server = await listen({ identity: alice, pinned: [bob.publicKey] });
const client = await listen({ identity: bob, pinned: [alice.publicKey] });

// Bob's calls reach Alice's agent with who he is, proved by the handshake.
server.serve("greeter", async function* ({ payload, peer }) {
  const name = new TextDecoder().decode(payload);
  yield new TextEncoder().encode(`Hello ${name}, I know you as ${peer.id}`);
});

// One encrypted UDP connection; every call is a stream of its own on it.
const lane = await client.connect({ ...server.local, staticKey: alice.staticPublicKey });
for await (const answer of lane.call("greeter", callRecord(), new TextEncoder().encode("Bob"))) {
  console.log(new TextDecoder().decode(answer));
}

await client.close("done");
await server.close("done");
