"""Keys that sign seals: Ed25519, the secret outside the store; whoever verifies needs the public key only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from glm_local.audit.seal_text import Seal, Signature
from glm_local.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_VARIABLE, FILE_VARIABLE, PUBLIC_VARIABLE = "GLM_SEAL_KEY", "GLM_SEAL_KEY_FILE", "GLM_SEAL_PUBLIC_KEY"
"""Environment variables: a secret key itself, a file that holds one, public keys for who verifies."""

_DIGITS = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Signer:
    """Signs seals.

    Parameters
    ----------
    key
        The public key, as a PEM, an OpenSSH line or 64 hexadecimal digits.
    sign
        Returns the 64 bytes of an Ed25519 signature of what it is given; a key vault's call, for example.
    """

    key: str
    sign: Callable[[bytes], bytes]

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", read_public_key(self.key))

    def signed(self, seal: Seal) -> Seal:
        """Return the seal with its signature, which is looked at before it is believed."""
        made = self.sign(seal.signed_bytes)
        signed = replace(seal, signature=Signature(self.key, bytes(made).hex()))
        if not is_signature_true(signed):
            raise ConfigError.because(
                "What the signer gave is no signature of the seal by its public key.",
                "A seal's signature is Ed25519.",
                "Give the public key that belongs to the secret one.",
                "signer",
            )
        return signed


def read_signer(text: str, path: str = "signer") -> Signer:
    """Return the signer of a secret key: a PEM without password, or 64 hexadecimal digits.

    Examples
    --------
    >>> read_signer("00" * 32).key[:8]
    '3b6a27bc'
    """
    secret = _secret(text.strip(), path)
    return Signer(secret.public_key().public_bytes_raw().hex(), secret.sign)


def _secret(text: str, path: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if _DIGITS.fullmatch(text):
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
    try:
        found = load_pem_private_key(text.encode("utf-8"), None)
    except (ValueError, TypeError, UnicodeError):  # TypeError: it wants a password
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise ConfigError.because(
            "The key that signs seals cannot be read.",
            "It is an Ed25519 key: a PEM without password, or 64 hexadecimal digits.",
            "Make one: openssl genpkey -algorithm ed25519 -out seal_key.pem",
            path,
        )
    return found


def signer_of_environment(store: str = "", environment: Mapping[str, str] | None = None) -> Signer | None:
    """Return the signer that the environment names, None when it names none.

    Parameters
    ----------
    store
        The store's place; a key file inside it is refused.
    """
    known = os.environ if environment is None else environment
    if known.get(KEY_VARIABLE):
        return read_signer(known[KEY_VARIABLE], KEY_VARIABLE)
    if not known.get(FILE_VARIABLE):
        return None
    file = Path(known[FILE_VARIABLE])
    if store and "://" not in store and file.resolve().is_relative_to(Path(store).resolve()):
        raise ConfigError.because(
            f"The key file {file} lies in the store it seals.",
            "Who can write the store must not have the key by that.",
            "Keep it elsewhere.",
            FILE_VARIABLE,
        )
    return read_signer(_file_text(file, FILE_VARIABLE), FILE_VARIABLE)


def _file_text(file: Path, path: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError.because(
            f"The key file {file} cannot be read: {error}.", "A key is a text.", "Check its path and rights.", path
        ) from error


def read_public_key(text: str | Path) -> str:
    """Return a public key as 64 hexadecimal digits.

    Parameters
    ----------
    text
        A PEM, an OpenSSH line, 64 hexadecimal digits, or a file that holds one of them.

    Examples
    --------
    >>> read_public_key("3B6A27BC" * 8)[:8]
    '3b6a27bc'
    """
    said = str(text).strip()
    if isinstance(text, Path) or not (_DIGITS.fullmatch(said) or said.startswith(("-----BEGIN", "ssh-"))):
        said = _file_text(Path(text), "public_key").strip()
    if _DIGITS.fullmatch(said):
        return said.lower()
    return _public_digits(said)


def _public_digits(said: str) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    load = serialization.load_ssh_public_key if said.startswith("ssh-") else serialization.load_pem_public_key
    try:
        found: object = load(said.encode("utf-8"))
    except (ValueError, UnsupportedAlgorithm, UnicodeError):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise ConfigError.because(
            "The public key cannot be read.",
            "It is an Ed25519 key: a PEM, an OpenSSH line, or 64 hexadecimal digits, or a file of one.",
            "openssl pkey -in seal_key.pem -pubout shows the one of a secret key.",
            "public_key",
        )
    return found.public_bytes_raw().hex()


def is_signature_true(seal: Seal) -> bool:
    """Say whether a seal's signature is that of its text by the key it names; False when there is none."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if seal.signature is None:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal.signature.key))
        key.verify(bytes.fromhex(seal.signature.value), seal.signed_bytes)
    except (InvalidSignature, ValueError):
        return False
    return True
