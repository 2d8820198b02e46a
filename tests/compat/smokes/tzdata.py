import importlib.resources

import tzdata


def smoke():
    zone = importlib.resources.files("tzdata.zoneinfo.Europe").joinpath("Berlin").read_bytes()
    assert zone[:4] == b"TZif"
    import pkgutil

    assert pkgutil.get_data("tzdata", "zones").startswith(b"Africa/")
    assert len(tzdata.IANA_VERSION) == 5
    import io
    import zoneinfo

    assert zoneinfo.ZoneInfo.from_file(io.BytesIO(zone), key="Europe/Berlin").key == "Europe/Berlin"
    return [zone]
