import keyring
import keyring.backend
from keyring.backends import fail, null


def smoke():
    keyring.set_keyring(null.Keyring())
    assert keyring.get_password("s", "u") is None
    found = keyring.backend.get_all_keyring()
    assert any(isinstance(each, fail.Keyring) for each in found), found
    from keyring.core import load_keyring

    assert isinstance(load_keyring("keyring.backends.null.Keyring"), null.Keyring)
    from keyring.cli import CommandLineTool

    return [keyring.get_keyring(), CommandLineTool]
