import datetime

import babel
from babel import Locale, dates, numbers
from babel.messages import Catalog


def smoke():
    assert numbers.format_decimal(1234.5, locale="de") == "1.234,5"
    assert dates.format_date(datetime.date(2024, 2, 3), locale="fr") == "3 févr. 2024"
    assert Locale("ja").get_display_name("de") == "Japanisch"
    assert Locale.parse("zh-TW", sep="-").script == "Hant"
    assert dates.format_timedelta(datetime.timedelta(days=3), locale="en") == "3 days"
    import io

    from babel.messages import pofile
    from babel.messages.extract import extract

    found = list(extract("python", io.BytesIO(b"_('hello')\n")))
    assert found[0][1] == "hello", found
    catalog = Catalog(locale="de")
    catalog.add("hello", "hallo")
    out = io.BytesIO()
    pofile.write_po(out, catalog)
    assert b'msgstr "hallo"' in out.getvalue()
    return [Locale("de"), catalog, babel.localedata._cache]
