"""The migration that drops the table of the former library of API keys."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

pytestmark = pytest.mark.django_db
MIGRATION = import_module("leadswitch.migrations.0004_drop_library_keys").Migration


def drop() -> None:
    for operation in MIGRATION.operations:
        if hasattr(operation, "code"):
            operation.code(apps, None)
        else:
            with connection.cursor() as cursor:
                cursor.execute(operation.sql)


def test_table_permissions_and_history_of_the_library_are_removed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE rest_framework_api_key_apikey (id varchar(150) PRIMARY KEY)")
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('rest_framework_api_key', '0001_initial', now())"
        )
    kind = ContentType.objects.create(app_label="rest_framework_api_key", model="apikey")
    permission = Permission.objects.create(content_type=kind, codename="add_apikey", name="Can add API key")
    group = Group.objects.create(name="holders")
    group.permissions.add(permission, *(others := list(Permission.objects.exclude(pk=permission.pk)[:2])))

    drop()
    drop()  # a new installation never had them

    assert "rest_framework_api_key_apikey" not in connection.introspection.table_names()
    assert not Permission.objects.filter(codename="add_apikey").exists()
    assert sorted(group.permissions.values_list("pk", flat=True)) == sorted(each.pk for each in others)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations WHERE app = 'rest_framework_api_key'")
        assert cursor.fetchone() == (0,)
