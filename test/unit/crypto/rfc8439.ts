/** Texts and keys that the test vectors of RFC 8439 share. */

/** §2.4.2 and §2.8.2. */
export const SUNSCREEN = new TextEncoder().encode(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
    "sunscreen would be it.",
);

/** Appendix A.2 #2 and A.3 #2. */
export const IETF = new TextEncoder().encode(
  "Any submission to the IETF intended by the Contributor for publication as all or part of an " +
    "IETF Internet-Draft or RFC and any statement made within the context of an IETF activity is " +
    'considered an "IETF Contribution". Such statements include oral statements in IETF sessions, ' +
    "as well as written and electronic communications made at any time or place, which are addressed to",
);

/** Appendix A.2 #3 and A.3 #4. */
export const JABBERWOCKY = new TextEncoder().encode(
  "'Twas brillig, and the slithy toves\nDid gyre and gimble in the wabe:\n" +
    "All mimsy were the borogoves,\nAnd the mome raths outgrabe.",
);

export const KEY_ZERO = "00".repeat(32);
export const KEY_ONE = "00".repeat(31) + "01";
export const KEY_COUNTING = Array.from({ length: 32 }, (_, i) =>
  i.toString(16).padStart(2, "0"),
).join("");
export const KEY_APPENDIX = "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0";
export const NONCE_ZERO = "00".repeat(12);
export const NONCE_TWO = "00".repeat(11) + "02";
