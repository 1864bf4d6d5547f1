/**
 * The certificate of the lesson on TLS, the authority that signed it, and its private key.
 *
 * The key is public, since it stands here: it protects nothing. Nothing but the lesson's own target trusts the authority,
 * whose key was thrown away, and the name is one that no host can have (RFC 6761, section 6.4).
 */

/** The name in the certificate. */
export const lessonHost = "lesson-tls.invalid";

export const lessonAuthority = `-----BEGIN CERTIFICATE-----
MIIBfjCCASSgAwIBAgIBATAKBggqhkjOPQQDAjAkMSIwIAYDVQQDDBlXaXJlYm9v
ayBsZXNzb24gYXV0aG9yaXR5MCAXDTI1MDEwMTAwMDAwMFoYDzIwOTkxMjMxMjM1
OTU5WjAkMSIwIAYDVQQDDBlXaXJlYm9vayBsZXNzb24gYXV0aG9yaXR5MFkwEwYH
KoZIzj0CAQYIKoZIzj0DAQcDQgAEGKwYdxxBgZqJt+KE8CtW8GX/42acfd9BJBmh
gIb3pK7nIIcGpSpLDA9L1GnkA7az3l8umq/ODzDOI/vYsKM8BKNFMEMwEgYDVR0T
AQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAgQwHQYDVR0OBBYEFM5L6cAwOjQs
uPTyarSZ88I2GcvxMAoGCCqGSM49BAMCA0gAMEUCIGFqTt+oCASL1RGB+8mpRfjr
eO5JaiD5EFlhZvwSYkxEAiEAof2e+nZ/aK8Q3gB0RTJeWmYZtdbNFFte2gwg6MGW
leY=
-----END CERTIFICATE-----
`;

export const lessonCertificate = `-----BEGIN CERTIFICATE-----
MIIByDCCAW6gAwIBAgIBAjAKBggqhkjOPQQDAjAkMSIwIAYDVQQDDBlXaXJlYm9v
ayBsZXNzb24gYXV0aG9yaXR5MCAXDTI1MDEwMTAwMDAwMFoYDzIwOTkxMjMxMjM1
OTU5WjAdMRswGQYDVQQDDBJsZXNzb24tdGxzLmludmFsaWQwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAARhOwBXLBPg1+J0IicDr5Uw+vg6BoyNmsOtJRDzFYrKzLqD
/Qb9U+WeKgREleCw+WBFEvo/oGfPhuDeBNm6FGyio4GVMIGSMAwGA1UdEwEB/wQC
MAAwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMBMB0GA1UdEQQW
MBSCEmxlc3Nvbi10bHMuaW52YWxpZDAdBgNVHQ4EFgQUTdhuYUAo1bAB7g9V5ioc
HnazflYwHwYDVR0jBBgwFoAUzkvpwDA6NCy49PJqtJnzwjYZy/EwCgYIKoZIzj0E
AwIDSAAwRQIgPPIf5gPxAV7hhwN2lMr0Y1xZcX5yOE4ICbzPXUbanmECIQDTr/Hs
G5PUMo1HqpPEHG4YEjEano2VbU5D2rSFYPUy6g==
-----END CERTIFICATE-----
`;

/** Public, see above. */
export const lessonKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSCj7kpQFaO2vMi6X
czwmclBX5dwxCPbFKRq6DFpoPKuhRANCAARhOwBXLBPg1+J0IicDr5Uw+vg6BoyN
msOtJRDzFYrKzLqD/Qb9U+WeKgREleCw+WBFEvo/oGfPhuDeBNm6FGyi
-----END PRIVATE KEY-----
`;
