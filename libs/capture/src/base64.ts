/** Base64 (RFC 4648, section 4) of many bytes. `Uint8Array.toBase64` would do it, but Node 24 does not have it. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  // A multiple of three, so that the pieces join, and few enough to be arguments.
  for (let from = 0; from < bytes.length; from += 24_576) {
    text += btoa(String.fromCharCode(...bytes.subarray(from, from + 24_576)));
  }
  return text;
}

/** The inverse of `encodeBase64`. @throws DOMException when the text is no base64 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
