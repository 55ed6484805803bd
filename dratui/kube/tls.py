"""From a kubeconfig's certificates to an SSLContext."""

import base64
import os
import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from dratui.kube.failure import KubeFailure
from dratui.kube.kubeconfig import Access

Shown = tuple[str, str]
"""A client certificate and its key, as PEM; empty for none."""


def client_certificate(access: Access) -> Shown:
    """What the kubeconfig names or holds, read now. Raises KubeFailure for what cannot be read."""
    user, whose = access.user, f"of user {access.user_name!r}"
    certificate = _pem(
        user.client_certificate_data, user.client_certificate, access.user_dir, f"client certificate {whose}"
    )
    if not certificate:
        return "", ""
    return certificate, _pem(user.client_key_data, user.client_key, access.user_dir, f"client key {whose}")


def context(access: Access, shown: Shown) -> ssl.SSLContext:
    """Whom to believe and what to show. Raises KubeFailure for what is missing or no certificate."""
    cluster = access.cluster
    authority = _pem(
        cluster.certificate_authority_data,
        cluster.certificate_authority,
        access.cluster_dir,
        f"certificate authority of cluster {access.cluster_name!r}",
    )
    try:
        built = ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, ValueError) as error:
        raise KubeFailure(
            f"the certificate authority of cluster {access.cluster_name!r} is no certificate",
            hint="look at certificate-authority or certificate-authority-data in the kubeconfig",
        ) from error
    # Python 3.13 asks for extensions that many clusters' own authorities lack, and that no Go client asks for.
    built.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cluster.insecure_skip_tls_verify:
        built.check_hostname = False
        built.verify_mode = ssl.CERT_NONE
    certificate, key = shown
    if certificate:
        _show(built, certificate, key, access.user_name)
    return built


def ran_out(shown: Shown, now: float) -> datetime | None:
    """When the client certificate ran out; None if it is still good, if there is none, or if it says nothing."""
    certificate, _ = shown
    try:
        ends = _end(ssl.PEM_cert_to_DER_cert(certificate[certificate.index(ssl.PEM_HEADER) :].strip()))
    except (ValueError, IndexError):
        return None
    return ends if ends.timestamp() <= now else None


def _end(der: bytes) -> datetime:
    """The end of an X.509 certificate's validity. Python's ssl reads it only from the other side's certificate.

    Raises ValueError or IndexError for what is no certificate. Source: RFC 5280, 4.1.
    """
    at, _ = _inside(der, _inside(der, 0)[0])  # Certificate, TBSCertificate
    if der[at] == 0xA0:  # version
        at = _inside(der, at)[1]
    for _ in ("serialNumber", "signature", "issuer"):
        at = _inside(der, at)[1]
    not_before, _ = _inside(der, at)  # validity
    not_after = _inside(der, not_before)[1]
    start, end = _inside(der, not_after)
    text = der[start:end].decode("ascii")
    form = "%y%m%d%H%M%SZ" if der[not_after] == 0x17 else "%Y%m%d%H%M%SZ"  # UTCTime, GeneralizedTime
    return datetime.strptime(text, form).replace(tzinfo=UTC)


def _inside(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[at + 2 : start])
    return start, start + length


def _pem(data: str, file: str, folder: Path, what: str) -> str:
    """PEM text out of base64 in the kubeconfig, which wins, or out of a file; empty if there is neither."""
    try:
        if data:
            return base64.b64decode("".join(data.split()), validate=True).decode("latin-1")
        if file:
            return (folder / Path(file).expanduser()).read_text("latin-1")
    except OSError as error:
        raise KubeFailure(f"cannot read the {what}: {file}: {error.strerror}") from error
    except ValueError as error:
        raise KubeFailure(f"the {what} in the kubeconfig is not valid base64") from error
    return ""


def _show(built: ssl.SSLContext, certificate: str, key: str, user: str) -> None:
    # Python's ssl reads keys from files only: one that nobody else may read, gone before we go on.
    descriptor, path = tempfile.mkstemp()
    try:
        with open(descriptor, "w", encoding="latin-1") as file:
            file.write(f"{certificate}\n{key}\n")
        # Without a password of ours OpenSSL would ask for an encrypted key's on the terminal.
        built.load_cert_chain(path, password="")
    except ssl.SSLError as error:
        raise KubeFailure(
            f"the client certificate of user {user!r} and its key do not fit together, or the key has a password",
            hint="look at client-certificate(-data) and client-key(-data) in the kubeconfig",
        ) from error
    finally:
        os.unlink(path)
