"""A UUIDv7 made by the database, for rows that one statement inserts in a number that it finds out itself."""

from typing import Final

from django.db.models import Func, UUIDField

# PostgreSQL has uuidv7() only from 18 on. A random UUID gets the milliseconds in front and the version's two bits.
_MS: Final = "int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint)"
_STAMPED: Final = f"overlay(uuid_send(gen_random_uuid()) placing substring({_MS} from 3) from 1 for 6)"
UUID7_SQL: Final = f"encode(set_bit(set_bit({_STAMPED}, 52, 1), 53, 1), 'hex')::uuid"


class DatabaseUUID7(Func):
    """For `db_default`."""

    template = UUID7_SQL
    output_field = UUIDField()
