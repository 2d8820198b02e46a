import datetime

import pytz


def smoke():
    berlin = pytz.timezone("Europe/Berlin")
    summer = berlin.localize(datetime.datetime(2024, 7, 1, 12))
    assert summer.utcoffset() == datetime.timedelta(hours=2)
    assert "Europe/Paris" in pytz.all_timezones_set
    assert "Europe/Berlin" in pytz.country_timezones["DE"]
    import pickle

    assert pickle.loads(pickle.dumps(berlin)) is berlin
    try:
        pytz.timezone("Nowhere")
    except pytz.UnknownTimeZoneError:
        pass
    else:
        raise AssertionError("a place?")
    return [berlin, summer.tzinfo]
