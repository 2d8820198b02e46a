import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa


def handed_out():
    from functools import partial

    key = ec.generate_private_key(ec.SECP256R1())
    point = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return [key.public_key, key.private_numbers, partial(key.public_key().public_bytes, *point)]


def smoke():
    fernet = Fernet(Fernet.generate_key())
    assert fernet.decrypt(fernet.encrypt(b"secret")) == b"secret"
    try:
        fernet.decrypt(b"nonsense")
    except InvalidToken:
        pass
    else:
        raise AssertionError("decrypted?")
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"data", ec.ECDSA(hashes.SHA256()))
    key.public_key().verify(signature, b"data", ec.ECDSA(hashes.SHA256()))
    try:
        key.public_key().verify(signature, b"other", ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        pass
    else:
        raise AssertionError("signed?")
    secret = rsa.generate_private_key(65537, 2048)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    assert secret.decrypt(secret.public_key().encrypt(b"x", oaep), oaep) == b"x"
    pem = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pw")
    )
    assert isinstance(serialization.load_pem_private_key(pem, b"pw"), rsa.RSAPrivateKey)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "me")])
    now = datetime.datetime(2024, 2, 3)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert found.value.ca and isinstance(certificate.subject, x509.Name)
    return [key, certificate, found.value, fernet, certificate.signature_hash_algorithm]
