"""Who may move large sums: the group `admin`. Others get the permission from an admin.

It is created here under the name that Django would give it, as those of the groups were.
"""

from django.db import migrations


def give_permission(apps, schema_editor):
    alias = schema_editor.connection.alias
    content_type, _ = (
        apps.get_model("contenttypes", "ContentType")
        .objects.using(alias)
        .get_or_create(app_label="distribution", model="ledgerentry")
    )
    permission, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get_or_create(
            content_type=content_type, codename="move_large_sums", defaults={"name": "Can move large sums"}
        )
    )
    group, _ = apps.get_model("auth", "Group").objects.using(alias).get_or_create(name="admin")
    group.permissions.add(permission)


def take_permission(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    permissions.filter(content_type__app_label="distribution", codename="move_large_sums").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leadswitch", "0002_rule_permissions"),
        ("distribution", "0010_large_sums"),
    ]

    operations = [migrations.RunPython(give_permission, take_permission)]
