import django
from django.conf import settings


def smoke():
    if not settings.configured:
        settings.configure(
            SECRET_KEY="x",
            ROOT_URLCONF=__name__,
            ALLOWED_HOSTS=["*"],
            INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
            USE_TZ=True,
        )
        django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.template import engines

    template = engines["django"].from_string("{% for x in xs %}{{ x|upper }}{% endfor %}")
    assert template.render({"xs": ["a", "<"]}) == "A&lt;"
    from django.contrib.auth.models import User

    if "auth_user" not in connection.introspection.table_names():
        call_command("migrate", verbosity=0)
    User.objects.all().delete()
    User.objects.create_user("ann", password="pw")
    user = User.objects.get(username__startswith="a")
    assert user.check_password("pw")
    from django.test import RequestFactory
    from django.urls import reverse

    assert reverse("home") == "/home/"
    request = RequestFactory().get("/home/?a=1")
    from django.core.handlers.base import BaseHandler

    handler = BaseHandler()
    handler.load_middleware()
    assert handler.get_response(request).content == b"home 1"
    from django.utils import translation

    with translation.override("de"):
        assert translation.gettext("Monday") == "Montag"
    return [user, request, template]


def home(request):
    from django.http import HttpResponse

    return HttpResponse(f"home {request.GET['a']}")


def _patterns():
    from django.urls import path

    return [path("home/", home, name="home")]


urlpatterns = _patterns()
