import datetime

import google.auth
from google.auth import crypt, jwt
from google.oauth2 import credentials


def smoke():

    token = credentials.Credentials("abc", expiry=datetime.datetime(2124, 1, 1))
    headers = {}
    token.apply(headers)
    assert headers == {"authorization": "Bearer abc"}
    try:
        jwt.decode_header("nonsense")
    except ValueError:
        pass
    else:
        raise AssertionError("a token?")
    try:
        google.auth.load_credentials_from_file("/nonexistent")
    except google.auth.exceptions.DefaultCredentialsError:
        pass
    else:
        raise AssertionError("a file?")
    return [token, crypt.Signer]
