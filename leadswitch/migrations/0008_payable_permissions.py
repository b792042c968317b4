"""Who may set contracts of sources, and who may book payments to them. All roles may look.

The permissions are created here under the names that Django would give them, as those of the other tables were.
"""

from django.db import migrations

ACTIONS = ("add", "change", "delete", "view")
MODELS = {"sourcecontract": "contract of a source", "payableentry": "payable"}
ROLES = {
    "viewer": ("view_sourcecontract", "view_payableentry"),
    "operator": ("view_sourcecontract", "view_payableentry", "add_sourcecontract"),
    "finance": ("view_sourcecontract", "view_payableentry", "add_sourcecontract", "add_payableentry"),
    "admin": tuple(f"{action}_{model}" for model in MODELS for action in ACTIONS),
}


def give_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    found = {}
    for model, words in MODELS.items():
        content_type, _ = content_types.get_or_create(app_label="distribution", model=model)
        for action in ACTIONS:
            codename = f"{action}_{model}"
            found[codename], _ = permissions.get_or_create(
                content_type=content_type, codename=codename, defaults={"name": f"Can {action} {words}"}
            )
    for role, codenames in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(found[codename] for codename in codenames))


def take_permissions(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    permissions.filter(content_type__app_label="distribution", content_type__model__in=MODELS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leadswitch", "0007_delivery_permissions"),
        ("distribution", "0031_payables"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
