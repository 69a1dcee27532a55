"""Makes the vectors of this folder with OpenSSL, by the Python package cryptography (ML-KEM needs 47 or later) and
the command openssl: keys, certificates and signatures, and the keys of flows computed from the text of spec 11 alone.
Run it in this folder; the files differ after each run, the tests hold for any of them."""

import datetime, hashlib, json, subprocess
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, ed448, padding, rsa, x25519, mlkem
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KDF = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(), "sha3-256": hashes.SHA3_256(),
       "sha3-384": hashes.SHA3_384(), "sha3-512": hashes.SHA3_512(), "blake2b512": hashes.BLAKE2b(64),
       "blake2s256": hashes.BLAKE2s(32)}
DER, PEM, RAW = ser.Encoding.DER, ser.Encoding.PEM, ser.Encoding.Raw
SPKI, PKCS8 = ser.PublicFormat.SubjectPublicKeyInfo, ser.PrivateFormat.PKCS8


def flow_key(kdf, secret, salt, info):
    return HKDF(KDF[kdf], 32, salt, info).derive(secret).hex()


def keys(secret, salt, info):
    return {k: flow_key(k, secret, salt, info) for k in KDF}


def agreements():
    out = []
    for name, curve in (("prime256v1", ec.SECP256R1()), ("secp384r1", ec.SECP384R1()), ("secp521r1", ec.SECP521R1())):
        a, b = ec.generate_private_key(curve), ec.generate_private_key(curve)
        n = (curve.key_size + 7) // 8
        out.append(dh(name, a.private_numbers().private_value.to_bytes(n, "big"), a.public_key(), b.public_key(),
                      a.exchange(ec.ECDH(), b.public_key())))
    a, b = x25519.X25519PrivateKey.generate(), x25519.X25519PrivateKey.generate()
    out.append(dh("X25519", a.private_bytes_raw(), a.public_key(), b.public_key(), a.exchange(b.public_key())))
    for name, kind in (("ML-KEM-768", mlkem.MLKEM768PrivateKey), ("ML-KEM-1024", mlkem.MLKEM1024PrivateKey)):
        k = kind.generate()
        secret, ct = k.public_key().encapsulate()
        pub = k.public_key().public_bytes(DER, SPKI)
        out.append({"kex": name, "seed": k.private_bytes_raw().hex(), "public": pub.hex(), "answer": ct.hex(),
                    "keys": keys(secret, hashlib.sha256(pub).digest(), b"o7s-ossl-encap"),
                    "private_pem": k.private_bytes(PEM, PKCS8, ser.NoEncryption()).decode(),
                    "public_pem": k.public_key().public_bytes(PEM, SPKI).decode()})
    k, x, e = mlkem.MLKEM768PrivateKey.generate(), x25519.X25519PrivateKey.generate(), x25519.X25519PrivateKey.generate()
    secret, ct = k.public_key().encapsulate()
    pub = k.public_key().public_bytes_raw() + x.public_key().public_bytes_raw()
    out.append({"kex": "X25519MLKEM768", "seed": (k.private_bytes_raw() + x.private_bytes_raw()).hex(),
                "public": pub.hex(), "answer": (ct + e.public_key().public_bytes_raw()).hex(),
                "keys": keys(secret + e.exchange(x.public_key()), hashlib.sha256(pub).digest(), b"o7s-ossl-encap")})
    return out


def dh(name, seed, own, peer, secret):
    a, b = own.public_bytes(DER, SPKI), peer.public_bytes(DER, SPKI)
    salt = hashlib.sha256(min(a, b) + max(a, b)).digest()
    return {"kex": name, "seed": seed.hex(), "public": a.hex(), "answer": b.hex(), "keys": keys(secret, salt, b"o7s-ossl-dhe")}


def certificates():
    epoch = datetime.datetime(2026, 2, 1, tzinfo=datetime.timezone.utc)
    ca = ec.generate_private_key(ec.SECP384R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Test"),
                         x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test CA")])

    def cert(subject, key, issuer, signer, is_ca):
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
                .serial_number(x509.random_serial_number()).not_valid_before(epoch)
                .not_valid_after(epoch + datetime.timedelta(days=7300))
                .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
                .sign(signer, hashes.SHA384()))

    root = cert(ca_name, ca.public_key(), ca_name, ca, True)
    open("ca.pem", "wb").write(root.public_bytes(PEM))
    message = b"everything before the signature"
    out = {"message": message.hex(), "wall": int(epoch.timestamp() + 86400) * 10**9, "peers": []}

    def peer(name, key, sign, private=None):
        subject = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Test"),
                             x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        c = cert(subject, key.public_key(), ca_name, ca, False)
        out["peers"].append({"name": name, "certificate": c.public_bytes(PEM).decode(),
                             "key": (private or key.private_bytes(PEM, PKCS8, ser.NoEncryption())).decode(),
                             "signatures": {d: s.hex() for d, s in sign.items()}})

    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()):
        k = ec.generate_private_key(curve)
        sig = {d: k.sign(message, ec.ECDSA(h)) for d, h in KDF.items() if not d.startswith("blake")}
        peer("ecdsa " + curve.name, k, sig | {"none": k.sign(message, ec.ECDSA(hashes.SHA256()))})
    k = ed25519.Ed25519PrivateKey.generate()
    peer("ed25519", k, {"none": k.sign(message)})
    k = rsa.generate_private_key(65537, 2048)
    peer("rsa", k, {d: k.sign(message, padding.PKCS1v15(), KDF[d]) for d in ("sha256", "sha512")}
         | {"none": k.sign(message, padding.PKCS1v15(), hashes.SHA256())})
    for salt, name in ((padding.PSS.DIGEST_LENGTH, "rsa pss"), (padding.PSS.MAX_LENGTH, "rsa pss longest salt")):
        peer(name, k, {d: k.sign(message, padding.PSS(padding.MGF1(KDF[d]), salt), KDF[d]) for d in ("sha256", "sha512", "sha3-256")})
    marked(out, ca, message)
    k = ed448.Ed448PrivateKey.generate()
    peer("ed448", k, {"none": k.sign(message)})
    k = rsa.generate_private_key(65537, 1024)
    peer("rsa 1024", k, {"none": k.sign(message, padding.PKCS1v15(), hashes.SHA256())})
    k = ec.generate_private_key(ec.SECP256K1())
    peer("ecdsa secp256k1", k, {"none": k.sign(message, ec.ECDSA(hashes.SHA256()))})
    return out


def marked(out, ca, message):
    """A key that is marked for RSA-PSS, which only the command can make."""
    def run(*a, text=None):
        return subprocess.run(("openssl",) + a, input=text, check=True, capture_output=True).stdout

    open("ca.key", "wb").write(ca.private_bytes(PEM, PKCS8, ser.NoEncryption()))
    key = run("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")
    open("pss.key", "wb").write(key)
    csr = run("req", "-new", "-key", "pss.key", "-subj", "/O=Test/CN=rsa-pss marked")
    crt = run("x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "77", "-days", "7300", text=csr)
    sig = {d: run("dgst", "-" + d, "-sign", "pss.key", text=message) for d in ("sha256", "sha384")}
    subprocess.run(("rm", "ca.key", "pss.key"))
    out["marked_from"] = int(datetime.datetime.now().timestamp() + 3600) * 10**9
    out["peers"].append({"name": "rsa-pss marked", "certificate": crt.decode(), "key": key.decode(),
                         "signatures": {d: s.hex() for d, s in sig.items()}})


json.dump(agreements(), open("agreements.json", "w"), indent=1)
json.dump(certificates(), open("certificates.json", "w"), indent=1)
