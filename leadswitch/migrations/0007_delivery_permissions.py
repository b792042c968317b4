"""What the groups of the admin may do with endpoints and deliveries.

All may look. Operators and admins change endpoints, and decide about deliveries whose end is unknown. The permissions are
created here under the names that Django would give them, as those of the other tables were.
"""

from django.db import migrations

ACTIONS = ("add", "change", "delete", "view")
RESOLVE = ("resolve_delivery", "Can decide or resend a delivery")
PERMISSIONS = {
    "endpoint": {f"{action}_endpoint": f"Can {action} endpoint" for action in ACTIONS},
    "delivery": {
        **{f"{action}_delivery": f"Can {action} delivery" for action in ACTIONS},
        RESOLVE[0]: RESOLVE[1],
    },
}
VIEWER = ("view_endpoint", "view_delivery")
OPERATOR = (*PERMISSIONS["endpoint"], "view_delivery", "resolve_delivery")
ROLES = {
    "viewer": VIEWER,
    "operator": OPERATOR,
    "finance": VIEWER,
    "admin": (*PERMISSIONS["endpoint"], *PERMISSIONS["delivery"]),
}


def give_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    created = {}
    for model, names in PERMISSIONS.items():
        content_type, _ = content_types.get_or_create(app_label="distribution", model=model)
        for code, name in names.items():
            created[code], _ = permissions.get_or_create(
                content_type=content_type, codename=code, defaults={"name": name}
            )
    groups = apps.get_model("auth", "Group").objects.using(alias)
    for name, codes in ROLES.items():
        group, _ = groups.get_or_create(name=name)
        group.permissions.add(*(created[code] for code in codes))


def take_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    permissions.filter(content_type__app_label="distribution", content_type__model__in=PERMISSIONS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leadswitch", "0006_return_permissions"),
        ("distribution", "0030_deliveries"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
