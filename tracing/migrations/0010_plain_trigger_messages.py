"""Messages of triggers in plain sentences. Changes no table."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0009_first_attempt"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="attempt",
            name="refuse_change",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="attempt",
            name="refuse_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="auditentry",
            name="refuse_change",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="auditentry",
            name="refuse_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="leaddistributionevent",
            name="refuse_change",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="leaddistributionevent",
            name="refuse_truncate",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="attempt",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'tracing_attempt is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="f7e33442f3cbfc24c3e2d37851f8d8b2262578fa",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refuse_change_7dca0",
                    table="tracing_attempt",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="attempt",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'tracing_attempt is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="ffa8e86cc97e7a4dbf4ae154b167480e0163d7eb",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refuse_truncate_8f619",
                    table="tracing_attempt",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditentry",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'tracing_auditentry is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="d9a9f547f3d4027ca868452a4ae38d97a61e1ba2",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refuse_change_12211",
                    table="tracing_auditentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditentry",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'tracing_auditentry is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="8aef7a17b017258865eb88f9063dfc8f84872069",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refuse_truncate_e0def",
                    table="tracing_auditentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leaddistributionevent",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'tracing_leaddistributionevent is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="662b22751922951df8e664c42b8cf73bd0e9b361",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refuse_change_2d697",
                    table="tracing_leaddistributionevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leaddistributionevent",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'tracing_leaddistributionevent is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="d60ec1579adddb280dde9c865d588b6f40948c05",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refuse_truncate_4148c",
                    table="tracing_leaddistributionevent",
                    when="BEFORE",
                ),
            ),
        ),
    ]
