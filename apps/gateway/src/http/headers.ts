/**
 * The headers of every answer.
 *
 * The page may run its own scripts and speak to its own gateway, and nothing else. Whatever a history line holds can at
 * most be text: no inline script or style runs, and markup is made only by Svelte's own templates, whose Trusted Types
 * policy is the one that may be created.
 */

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types svelte-trusted-html",
].join("; ");

/** What a page that only draws and speaks to its gateway never needs. */
const permissionsPolicy = ["camera", "display-capture", "geolocation", "microphone", "payment", "usb"]
  .map((feature) => `${feature}=()`)
  .join(", ");

/** Sent with whatever the gateway answers. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": permissionsPolicy,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** How long a browser may keep a file of the page: Vite puts a hash of the content into the names under `assets/`. */
export function cacheControl(path: string): string {
  return /[\\/]assets[\\/][^\\/]+$/.test(path) ? "public, max-age=31536000, immutable" : "no-cache";
}
