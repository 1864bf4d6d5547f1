/** Bytes for one call of `btoa`: a multiple of three, so that the pieces join, and few enough to be arguments. */
const pieceBytes = 3 * 8192;

/** Base64 (RFC 4648, section 4) of many bytes. `Uint8Array.toBase64` would do it, but not all browsers have it yet. */
export function encodeBase64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    pieces.push(btoa(String.fromCharCode(...bytes.subarray(from, from + pieceBytes))));
  }
  return pieces.join("");
}

/** The inverse of `encodeBase64`. @throws DOMException when the text is no base64 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
