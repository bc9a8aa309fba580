"""Hosts, and which one a project is placed on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What Postgres names foreign keys by itself, and SQLite does not name.
NAMES = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}


def upgrade() -> None:
    op.create_table(
        "hosts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("known_hosts", sa.Text(), nullable=True),
        sa.Column("http_port", sa.Integer(), nullable=False),
        sa.Column("traefik_port", sa.Integer(), nullable=False),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.JSON(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    with op.batch_alter_table("projects", naming_convention=NAMES) as batch:
        batch.add_column(sa.Column("host_id", sa.Integer(), nullable=True))
        batch.create_index("ix_projects_host_id", ["host_id"], unique=False)
        batch.create_foreign_key("projects_host_id_fkey", "hosts", ["host_id"], ["id"])
