"""What the groups of the admin may do with calls.

All look. Operators and admins set up accounts, channels, policies and blocked phones, and verify leads by hand. Only
admins listen to recordings: they are a person's voice. The permissions are created here under the names that Django
would give them, as those of the other tables were.
"""

from django.db import migrations

ACTIONS = ("add", "change", "delete", "view")
CONFIGURED = {
    "carrieraccount": "carrier account",
    "channel": "channel",
    "callpolicy": "call policy",
    "blockedphone": "blocked phone",
}
PERMISSIONS = {
    **{
        model: {f"{action}_{model}": f"Can {action} {name}" for action in ACTIONS}
        for model, name in CONFIGURED.items()
    },
    "verification": {
        "view_verification": "Can view verification",
        "verify_by_hand": "Can verify leads by hand",
    },
    "call": {"view_call": "Can view call", "listen_to_recordings": "Can listen to recordings of calls"},
}
CODES = [code for codes in PERMISSIONS.values() for code in codes]
VIEWER = tuple(code for code in CODES if code.startswith("view_"))
OPERATOR = tuple(code for code in CODES if code != "listen_to_recordings")
ROLES = {"viewer": VIEWER, "operator": OPERATOR, "finance": VIEWER, "admin": tuple(CODES)}


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
        ("leadswitch", "0014_offer_and_payment_permissions"),
        ("distribution", "0110_calls"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
