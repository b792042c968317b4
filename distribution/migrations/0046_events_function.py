"""Adds the function that writes an event with a delivery for each subscription."""

from django.db import migrations

EMIT = """
CREATE FUNCTION distribution_emit(
    event_kind text, for_buyer bigint, for_source bigint, for_workspace bigint,
    of_lead bigint, of_assignment bigint, of_campaign bigint, event_facts jsonb, event_once text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    subscribed bigint[];
    event uuid;
BEGIN
    SELECT array_agg(t.id ORDER BY t.id) INTO subscribed FROM distribution_endpoint t
    WHERE t.events <> '{}' AND event_kind = ANY(t.events) AND t.active AND t.disabled_at IS NULL AND (
        t.buyer_id = for_buyer OR t.source_id = for_source
        OR (t.workspace_id = for_workspace AND t.buyer_id IS NULL AND t.source_id IS NULL)
    );
    IF subscribed IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO distribution_event (
        id, kind, happened_at, buyer_id, source_id, workspace_id, lead_id, assignment_id, campaign_id, facts, once
    ) VALUES (
        encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid, event_kind, clock_timestamp(), for_buyer, for_source, for_workspace, of_lead, of_assignment,
        of_campaign, event_facts, event_once
    ) ON CONFLICT (once) DO NOTHING RETURNING id INTO event;
    IF event IS NOT NULL THEN
        INSERT INTO distribution_delivery (endpoint_id, event_id, next_try_at)
        SELECT unnest(subscribed), event, clock_timestamp();
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0045_tries_by_time"),
    ]

    operations = [
        migrations.RunSQL(EMIT, "DROP FUNCTION distribution_emit"),
    ]
