"""The groups of the admin: viewer, operator, finance, admin.

Django creates content types and permissions after all migrations have run, so those that the groups need are created
here, under the names that Django would give them: it then leaves them as they are.
"""

from django.db import migrations

# app: model -> its name in words
MODELS = {
    "routing": {
        "workspace": "workspace",
        "source": "source",
        "sourcekey": "source key",
        "lead": "lead",
        "idempotencyrecord": "idempotency record",
        "membership": "membership",
    },
    "distribution": {
        "campaign": "campaign",
        "tier": "tier",
        "campaignsnapshot": "campaign snapshot",
        "buyer": "buyer",
        "buyerkey": "buyer key",
        "enrollment": "enrollment",
        "wallet": "wallet",
        "ledgerentry": "ledger entry",
        "assignment": "assignment",
    },
    "tracing": {
        "attempt": "attempt",
        "leaddistributionevent": "lead distribution event",
        "auditentry": "audit entry",
    },
    "auth": {"user": "user", "group": "group"},
}
ACTIONS = ("add", "change", "delete", "view")
OURS = ("routing", "distribution", "tracing")

# `change_lead` stands for the actions on leads; `add_ledgerentry` for moving money; `change_assignment` for returns.
# The pages of those tables are read-only whatever a person may do.
OPERATOR = (
    *("routing.change_workspace", "routing.add_source", "routing.change_source", "routing.change_lead"),
    *("routing.add_sourcekey", "routing.change_sourcekey"),
    *("distribution.add_campaign", "distribution.change_campaign"),
    *("distribution.add_tier", "distribution.change_tier", "distribution.delete_tier"),
    *("distribution.add_buyer", "distribution.change_buyer"),
    *("distribution.add_buyerkey", "distribution.change_buyerkey"),
    *("distribution.add_enrollment", "distribution.change_enrollment", "distribution.delete_enrollment"),
)
FINANCE = (*("distribution.change_wallet", "distribution.add_ledgerentry", "distribution.change_assignment"),)
VIEWER = tuple(
    f"{app}.view_{model}"
    for app in OURS
    for model in MODELS[app]
    if model not in {"membership", "idempotencyrecord"}
)
ADMIN = (
    *(f"{app}.{action}_{model}" for app in OURS for model in MODELS[app] for action in ACTIONS),
    *(f"auth.{action}_user" for action in ACTIONS),
    "auth.view_group",
)
ROLES = {
    "viewer": VIEWER,
    "operator": (*VIEWER, *OPERATOR),
    "finance": (*VIEWER, *FINANCE),
    "admin": ADMIN,
}


def _create_permissions(apps, alias):
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    created = {}
    for app, models in MODELS.items():
        for model, words in models.items():
            content_type, _ = content_types.get_or_create(app_label=app, model=model)
            for action in ACTIONS:
                permission, _ = permissions.get_or_create(
                    content_type=content_type,
                    codename=f"{action}_{model}",
                    defaults={"name": f"Can {action} {words}"},
                )
                created[f"{app}.{action}_{model}"] = permission
    return created


def create_roles(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = _create_permissions(apps, alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    for name, codes in ROLES.items():
        group, _ = groups.get_or_create(name=name)
        group.permissions.add(*(permissions[code] for code in codes))


def delete_roles(apps, schema_editor):
    alias = schema_editor.connection.alias
    apps.get_model("auth", "Group").objects.using(alias).filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("routing", "0003_lead_paused"),
        ("distribution", "0002_buyer_keys"),
        ("tracing", "0002_audit"),
    ]

    operations = [migrations.RunPython(create_roles, delete_roles)]
