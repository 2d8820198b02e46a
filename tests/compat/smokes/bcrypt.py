import bcrypt


def smoke():
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4))
    assert bcrypt.checkpw(b"secret", hashed)
    assert not bcrypt.checkpw(b"other", hashed)
    assert len(bcrypt.kdf(b"secret", b"salt", 16, 10)) == 16
    try:
        bcrypt.hashpw(b"x", b"nonsense")
    except ValueError:
        pass
    else:
        raise AssertionError("a salt?")
    return [hashed, bcrypt.hashpw]
