"""All roles may look at the pings of sources. Nobody changes one.

The permission is created here under the name that Django would give it, as those of the other tables were.
"""

from django.db import migrations

MODEL = "ping"
ROLES = ("viewer", "operator", "finance", "admin")


def give_permission(apps, schema_editor):
    alias = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    content_type, _ = content_types.get_or_create(app_label="routing", model=MODEL)
    view, _ = permissions.get_or_create(
        content_type=content_type, codename=f"view_{MODEL}", defaults={"name": f"Can view {MODEL}"}
    )
    for role in ROLES:
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(view)


def take_permission(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    permissions.filter(content_type__app_label="routing", content_type__model=MODEL).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leadswitch", "0011_statement_permissions"),
        ("routing", "0052_pings_used_once"),
    ]

    operations = [migrations.RunPython(give_permission, take_permission)]
