import ssl

import certifi


def smoke():
    context = ssl.create_default_context(cafile=certifi.where())
    assert len(context.get_ca_certs()) > 50
    assert "BEGIN CERTIFICATE" in certifi.contents()
    import importlib.resources

    assert importlib.resources.files("certifi").joinpath("cacert.pem").is_file()
    return [certifi.where]
