"""Credentials of one run: who has not got them can neither send work to its scheduler nor listen."""

from __future__ import annotations

from pathlib import Path

from distributed import Security

from sxtstudio.core.plain_files import create_own

_FILES = ("ca.pem", "certificate.pem", "key.pem")


def write_credentials(folder: Path) -> tuple[str, str, str]:
    """Make a key and a certificate that trusts only itself, in a folder that others cannot read.

    Returns
    -------
    tuple of str
        The files of the authority, the certificate and the key.
    """
    made = Security.temporary().get_tls_config_for_role("worker")
    paths = [folder / name for name in _FILES]
    for path, content in zip(paths, (made["ca_file"], made["cert"], made["key"]), strict=True):
        with create_own(path) as file:
            file.write(content.encode())
        path.chmod(0o600)
    return str(paths[0]), str(paths[1]), str(paths[2])
