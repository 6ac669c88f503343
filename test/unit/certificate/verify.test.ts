/**
 * Goal: nobody is taken for whom they are not, and every doubt is a refusal. Method: one honest
 * chain of each kind, then one change at a time, each with the status it must have.
 */
import fc from "fast-check";
import { createHash, randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { issueCertificate, selfSignedCertificate } from "../../../host/shared/trust/certificate.ts";
import { createIdentity } from "../../../host/shared/trust/identity.ts";
import { buildCertificate, signer } from "../../reference/certificate.ts";
import { testPorts } from "../../support/ports.ts";
import { TestModule } from "../../support/wasm.ts";

const OK = 0;
const MALFORMED = -14;
const SIGNATURE = -15;
const EXPIRED = -16;
const NOT_YET_VALID = -17;
const NAME = -18;
const ISSUER = -19;
const KEY = -20;
const PEER_UNKNOWN = -21;
const NONE = 0;
const CERTIFIED = 1;
const PINNED = 2;
const UNKNOWN = 3;

const module = new TestModule("certificate");
const { exports } = module;
beforeEach(() => module.release());

const authority = signer();
const nextAuthority = signer();
const branch = signer();
const subject = signer();
const stranger = signer();
const staticKey = new Uint8Array(32).fill(9);

const leaf = buildCertificate({ subject, issuer: authority, names: ["files", "日本"] });
const branchLeaf = buildCertificate({ subject, issuer: branch, names: ["files"] });
const branchAuthority = buildCertificate({ subject: branch, issuer: authority, isAuthority: true });
const selfSigned = buildCertificate({ subject, issuer: subject, names: ["files"] });

interface Question {
  readonly authorities?: Uint8Array[];
  readonly pinned?: Uint8Array[];
  readonly chain: Uint8Array;
  readonly wallMs?: bigint;
  readonly name?: string;
  readonly identity?: Uint8Array;
  readonly staticKey?: Uint8Array;
  readonly trust?: number;
}

function newStore(): number {
  const trust = module.reserve(exports["trustStoreSize"]!());
  exports["trustStoreInit"]!(trust);
  return trust;
}

/** Status and kind of trust; the pointers of the verdict are checked on the way. */
function verify(question: Question): [number, number] {
  const trust = question.trust ?? newStore();
  for (const key of question.authorities ?? []) exports["trustAuthority"]!(trust, module.put(key));
  for (const key of question.pinned ?? []) exports["pinIdentity"]!(trust, module.put(key));
  const name = new TextEncoder().encode(question.name ?? "");
  const chain = module.put(question.chain);
  const verdict = module.reserve(exports["verdictSize"]!());
  module.bytes.fill(0xaa, verdict, verdict + exports["verdictSize"]!());
  const status: number = exports["certificateVerify"]!(
    trust,
    chain,
    question.chain.length,
    question.wallMs ?? 1500n,
    module.put(name),
    name.length,
    question.identity === undefined ? 0 : module.put(question.identity),
    module.put(question.staticKey ?? staticKey),
    verdict,
  );
  const kind = module.view.getUint32(verdict, true);
  const isKnown = kind !== NONE;
  expect(module.view.getUint32(verdict + 4, true)).toBe(isKnown ? chain + 32 : 0);
  expect(module.view.getUint32(verdict + 8, true)).toBe(isKnown ? chain + 128 : 0);
  expect(module.view.getUint32(verdict + 12, true)).toBe(0);
  return [status, kind];
}

const byAuthority = { authorities: [authority.publicKey], chain: leaf };
const bySelf = { pinned: [subject.publicKey], chain: selfSigned };
const chain = Buffer.concat([branchLeaf, branchAuthority]);
const byBranch = { authorities: [authority.publicKey], chain };

describe("an honest peer", () => {
  test.each<[string, Question, [number, number]]>([
    ["certified by a trusted authority", byAuthority, [OK, CERTIFIED]],
    ["certified through one more authority", byBranch, [OK, CERTIFIED]],
    ["pinned", bySelf, [OK, PINNED]],
    ["unknown to anybody", { chain: selfSigned }, [PEER_UNKNOWN, UNKNOWN]],
    ["dialled by its first name", { ...byAuthority, name: "files" }, [OK, CERTIFIED]],
    ["dialled by its last name", { ...byAuthority, name: "日本" }, [OK, CERTIFIED]],
    ["dialled by its identity", { ...byAuthority, identity: subject.publicKey }, [OK, CERTIFIED]],
    ["in its first millisecond", { ...byAuthority, wallMs: 1000n }, [OK, CERTIFIED]],
    ["in its last millisecond", { ...byAuthority, wallMs: 1999n }, [OK, CERTIFIED]],
    ["certified and pinned", { ...byAuthority, pinned: [subject.publicKey] }, [OK, CERTIFIED]],
  ])("%s", (_, question, expected) => {
    expect(verify(question)).toEqual(expected);
  });
});

test("what the host issues is what the engine accepts", () => {
  const ports = testPorts();
  const issuer = createIdentity(ports.random, ports.signatures);
  const identity = createIdentity(ports.random, ports.signatures);
  const issued = issueCertificate(ports.signatures, {
    identity: identity.publicKey,
    staticKey: identity.staticPublicKey,
    issuer,
    serial: 1n,
    notBeforeMs: 1000,
    notAfterMs: 2000,
    names: ["files"],
  });
  const own = selfSignedCertificate(ports, identity, ["files"], 1000);
  const asked = { name: "files", staticKey: identity.staticPublicKey };
  expect(verify({ ...asked, chain: issued, authorities: [issuer.publicKey] })).toEqual([
    OK,
    CERTIFIED,
  ]);
  const wallMs = BigInt(ports.clock.wallMs());
  expect(verify({ ...asked, chain: own, pinned: [identity.publicKey], wallMs })).toEqual([
    OK,
    PINNED,
  ]);
});

describe("is refused:", () => {
  test.each<[string, Question, number]>([
    ["nothing at all", { ...byAuthority, chain: new Uint8Array(0) }, MALFORMED],
    ["another static key", { ...byAuthority, staticKey: new Uint8Array(32) }, KEY],
    ["another static key of a pinned peer", { ...bySelf, staticKey: randomBytes(32) }, KEY],
    ["a millisecond too early", { ...byAuthority, wallMs: 999n }, NOT_YET_VALID],
    ["a millisecond too late", { ...byAuthority, wallMs: 2000n }, EXPIRED],
    ["a pinned peer too late", { ...bySelf, wallMs: 2000n }, EXPIRED],
    ["an unknown peer too late", { chain: selfSigned, wallMs: 2000n }, EXPIRED],
    ["the largest time", { ...byAuthority, wallMs: 2n ** 64n - 1n }, EXPIRED],
    ["another name", { ...byAuthority, name: "other" }, NAME],
    ["the beginning of a name", { ...byAuthority, name: "file" }, NAME],
    ["a longer name", { ...byAuthority, name: "files2" }, NAME],
    ["a name in other letters", { ...byAuthority, name: "Files" }, NAME],
    ["another identity", { ...byAuthority, identity: stranger.publicKey }, NAME],
    ["a pinned peer under another name", { ...bySelf, name: "other" }, NAME],
    ["an untrusted authority", { chain: leaf }, ISSUER],
    ["a stranger's authority", { ...byAuthority, authorities: [stranger.publicKey] }, ISSUER],
    ["a pinned authority", { chain: leaf, pinned: [authority.publicKey] }, ISSUER],
    ["a pinned subject with a strange issuer", { ...bySelf, chain: leaf }, ISSUER],
    ["a chain to an untrusted authority", { chain }, ISSUER],
    ["half a chain", { ...byBranch, chain: branchLeaf }, ISSUER],
    ["a chain that has not begun", { ...byBranch, wallMs: 999n }, NOT_YET_VALID],
  ])("%s", (_, question, status) => {
    expect(verify(question)).toEqual([status, NONE]);
  });

  test("a self-signed peer whose identity is a trusted authority but not pinned", () => {
    expect(verify({ chain: selfSigned, authorities: [subject.publicKey] })).toEqual([
      PEER_UNKNOWN,
      UNKNOWN,
    ]);
  });

  test("an issuer that is no authority", () => {
    const plain = buildCertificate({ subject: branch, issuer: authority });
    expect(verify({ ...byBranch, chain: Buffer.concat([branchLeaf, plain]) })).toEqual([
      ISSUER,
      NONE,
    ]);
  });

  test("an authority that issued something else", () => {
    const other = buildCertificate({ subject: stranger, issuer: authority, isAuthority: true });
    expect(verify({ ...byBranch, chain: Buffer.concat([branchLeaf, other]) })).toEqual([
      ISSUER,
      NONE,
    ]);
  });

  test("an authority that issued itself", () => {
    const own = buildCertificate({ subject: branch, issuer: branch, isAuthority: true });
    const question = { chain: Buffer.concat([branchLeaf, own]) };
    expect(verify({ ...question, authorities: [authority.publicKey] })).toEqual([ISSUER, NONE]);
    expect(verify({ ...question, authorities: [branch.publicKey] })).toEqual([ISSUER, NONE]);
  });

  test("a self-signed leaf with an authority behind it", () => {
    const question = { ...bySelf, chain: Buffer.concat([selfSigned, branchAuthority]) };
    expect(verify(question)).toEqual([ISSUER, NONE]);
  });

  test("a self-signed leaf with an authority's certificate for its own subject behind it", () => {
    const own = buildCertificate({ subject, issuer: authority, isAuthority: true });
    const question = { ...bySelf, chain: Buffer.concat([selfSigned, own]) };
    expect(verify(question)).toEqual([ISSUER, NONE]);
    expect(verify({ ...question, authorities: [authority.publicKey] })).toEqual([ISSUER, NONE]);
  });

  test("a chain of three", () => {
    const question = { ...byBranch, chain: Buffer.concat([chain, branchAuthority]) };
    expect(verify(question)).toEqual([MALFORMED, NONE]);
  });

  test("an authority of the chain outside its time", () => {
    const late = { subject: branch, issuer: authority, isAuthority: true };
    const past = buildCertificate({ ...late, notAfterMs: 1400n });
    const future = buildCertificate({ ...late, notBeforeMs: 1600n });
    const verdict = (issuer: Uint8Array): [number, number] =>
      verify({ ...byBranch, chain: Buffer.concat([branchLeaf, issuer]) });
    expect(verdict(past)).toEqual([EXPIRED, NONE]);
    expect(verdict(future)).toEqual([NOT_YET_VALID, NONE]);
  });

  test.each<[string, Question]>([
    ["certified", byAuthority],
    ["certified through one more", byBranch],
    ["pinned", bySelf],
    ["unknown", { chain: selfSigned }],
  ])("every flipped bit of a %s peer", (_, question) => {
    for (let index = 0; index < question.chain.length; index++) {
      module.release();
      const forged = Uint8Array.from(question.chain);
      forged[index]! ^= 1 << (index % 8);
      const [status, kind] = verify({ ...question, chain: forged });
      expect(status, `byte ${index}`).toBeLessThan(0);
      expect(kind, `byte ${index}`).toBe(NONE);
    }
  });

  test("every truncation and every addition", () => {
    for (const question of [byAuthority, byBranch, bySelf]) {
      for (let length = 0; length < question.chain.length; length++) {
        // A chain cut after its leaf is a leaf, whose issuer is not trusted.
        const expected = question === byBranch && length === branchLeaf.length ? ISSUER : MALFORMED;
        const cut = question.chain.subarray(0, length);
        module.release();
        expect(verify({ ...question, chain: cut })).toEqual([expected, NONE]);
      }
      const longer = Buffer.concat([question.chain, new Uint8Array(1)]);
      expect(verify({ ...question, chain: longer })).toEqual([MALFORMED, NONE]);
    }
  });

  test("the first wrong thing in the order of the protocol, when everything is wrong", () => {
    const forged = Buffer.from(Buffer.concat([branchLeaf, leaf]));
    forged[branchLeaf.length - 1]! ^= 1;
    const question = { chain: forged, name: "other", wallMs: 2000n, staticKey: randomBytes(32) };
    expect(verify({ ...question, chain: forged.subarray(1) })[0]).toBe(MALFORMED);
    expect(verify(question)[0]).toBe(KEY);
    expect(verify({ ...question, staticKey })[0]).toBe(NAME);
    expect(verify({ ...question, staticKey, name: "files" })[0]).toBe(EXPIRED);
    const early = { ...question, staticKey, name: "files", wallMs: 999n };
    expect(verify(early)[0]).toBe(NOT_YET_VALID);
    expect(verify({ ...early, wallMs: 1500n })[0]).toBe(ISSUER);
    const trusted = {
      chain: forged.subarray(0, branchLeaf.length),
      authorities: [branch.publicKey],
    };
    expect(verify(trusted)[0]).toBe(SIGNATURE);
  });

  test("random bytes behind a leaf, without a trap", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (bytes) => {
        module.release();
        const question = { ...byAuthority, chain: Buffer.concat([leaf, bytes]) };
        expect(verify(question)).toEqual([MALFORMED, NONE]);
      }),
    );
  });
});

describe("changing what is trusted", () => {
  test("an authority is rotated with both keys in the store, then the old one goes", () => {
    const trust = newStore();
    const renewed = buildCertificate({ subject, issuer: nextAuthority });
    const both = [authority.publicKey, nextAuthority.publicKey];
    expect(verify({ trust, authorities: both, chain: leaf })).toEqual([OK, CERTIFIED]);
    expect(verify({ trust, chain: renewed })).toEqual([OK, CERTIFIED]);
    exports["distrustAuthority"]!(trust, module.put(authority.publicKey));
    expect(verify({ trust, chain: renewed })).toEqual([OK, CERTIFIED]);
    expect(verify({ trust, chain: leaf }), "although it is in the cache").toEqual([ISSUER, NONE]);
  });

  test("an authority cross-signed by its predecessor works for those who know either", () => {
    const crossSigned = buildCertificate({
      subject: nextAuthority,
      issuer: authority,
      isAuthority: true,
      notAfterMs: 1400n,
    });
    const renewed = buildCertificate({ subject, issuer: nextAuthority });
    const both = Buffer.concat([renewed, crossSigned]);
    const question = { chain: both, wallMs: 1300n };
    expect(verify({ ...question, authorities: [authority.publicKey] })).toEqual([OK, CERTIFIED]);
    expect(verify({ ...question, authorities: [nextAuthority.publicKey] })).toEqual([
      OK,
      CERTIFIED,
    ]);
    const later = { chain: both, wallMs: 1500n };
    expect(verify({ ...later, authorities: [nextAuthority.publicKey] })).toEqual([OK, CERTIFIED]);
    expect(verify({ ...later, authorities: [authority.publicKey] })).toEqual([EXPIRED, NONE]);
  });

  test("a peer that is unpinned is unknown again", () => {
    const trust = newStore();
    expect(verify({ ...bySelf, trust })).toEqual([OK, PINNED]);
    exports["unpinIdentity"]!(trust, module.put(subject.publicKey));
    expect(verify({ trust, chain: selfSigned })).toEqual([PEER_UNKNOWN, UNKNOWN]);
  });
});

describe("the cache of verified certificates", () => {
  const digestCount = (trust: number): number => module.view.getUint32(trust + 8, true);

  test("holds a certificate once, and each length of a chain for itself", () => {
    const trust = newStore();
    for (let round = 0; round < 3; round++) verify({ ...byAuthority, trust });
    expect(digestCount(trust)).toBe(1);
    for (let round = 0; round < 3; round++) verify({ ...byBranch, trust });
    expect(digestCount(trust)).toBe(2);
  });

  test("a leaf that was verified alone does not vouch for the authority behind it", () => {
    const trust = newStore();
    verify({ trust, authorities: [branch.publicKey], chain: branchLeaf });
    exports["distrustAuthority"]!(trust, module.put(branch.publicKey));
    const forged = Uint8Array.from(chain);
    forged[forged.length - 1]! ^= 1;
    const question = { trust, authorities: [authority.publicKey] };
    expect(verify({ ...question, chain: forged })).toEqual([SIGNATURE, NONE]);
    expect(verify({ ...question, chain })).toEqual([OK, CERTIFIED]);
  });

  test("does not take in strangers, nor anything with a wrong signature", () => {
    const trust = newStore();
    expect(verify({ trust, chain: selfSigned })).toEqual([PEER_UNKNOWN, UNKNOWN]);
    const forged = Uint8Array.from(leaf);
    forged[forged.length - 1]! ^= 1;
    expect(verify({ ...byAuthority, trust, chain: forged })).toEqual([SIGNATURE, NONE]);
    expect(digestCount(trust)).toBe(0);
  });

  test("is asked before the signature, so that only verification may fill it", () => {
    const trust = newStore();
    const forged = Uint8Array.from(leaf);
    forged[forged.length - 1]! ^= 1;
    const digest = createHash("sha256").update(forged).digest();
    expect(verify({ ...byAuthority, trust, chain: forged })).toEqual([SIGNATURE, NONE]);
    exports["rememberVerified"]!(trust, module.put(digest));
    expect(verify({ trust, chain: forged })).toEqual([OK, CERTIFIED]);
  });

  test("does not stand in for the time, the name or the key", () => {
    const trust = newStore();
    expect(verify({ ...byAuthority, trust })).toEqual([OK, CERTIFIED]);
    const question = { trust, chain: leaf };
    expect(verify({ ...question, wallMs: 2000n })).toEqual([EXPIRED, NONE]);
    expect(verify({ ...question, name: "other" })).toEqual([NAME, NONE]);
    expect(verify({ ...question, staticKey: randomBytes(32) })).toEqual([KEY, NONE]);
    expect(verify({ ...question, identity: stranger.publicKey })).toEqual([NAME, NONE]);
  });
});
