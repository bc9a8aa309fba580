"""Sources of projects, hooks that are a project's, deliveries with what came of them, previews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


# What Postgres names foreign keys by itself, and SQLite does not name.
NAMES = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("forge", sa.String(length=20), nullable=False),
        sa.Column("api_url", sa.Text(), nullable=True),
        sa.Column("full_name", sa.String(length=300), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("public_key", sa.Text(), nullable=True),
        sa.Column("known_hosts", sa.Text(), nullable=True),
        sa.Column("submodules", sa.Boolean(), nullable=False),
        sa.Column("lfs", sa.Boolean(), nullable=False),
        sa.Column("poll_minutes", sa.Integer(), nullable=False),
        sa.Column("heads", sa.JSON(), nullable=False),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("project_id"),
    )
    op.create_table(
        "previews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("head_branch", sa.String(length=200), nullable=False),
        sa.Column("base_branch", sa.String(length=200), nullable=False),
        sa.Column("head_commit", sa.String(length=40), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("fork", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("closed", sa.Text(), nullable=True),
        sa.Column("approved_commit", sa.String(length=40), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asleep", sa.Boolean(), nullable=False),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seeded", sa.Boolean(), nullable=False),
        sa.Column("comment_id", sa.String(length=100), nullable=True),
        sa.Column("comment_digest", sa.String(length=64), nullable=True),
        sa.Column("compared", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("environment_id"),
        sa.UniqueConstraint("project_id", "number"),
    )
    op.create_index("ix_previews_state", "previews", ["state"], unique=False)

    with op.batch_alter_table("projects") as batch:
        batch.add_column(sa.Column("previews", sa.JSON(), nullable=False, server_default="{}"))

    with op.batch_alter_table("environments") as batch:
        batch.add_column(
            sa.Column("kind", sa.String(20), nullable=False, server_default="standing")
        )
        batch.add_column(sa.Column("branch", sa.String(length=200), nullable=True))
        batch.add_column(sa.Column("filters", sa.JSON(), nullable=False, server_default="{}"))

    with op.batch_alter_table("runs", naming_convention=NAMES) as batch:
        batch.add_column(sa.Column("delivery_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("told", sa.String(length=20), nullable=True))
        batch.create_index("ix_runs_delivery_id", ["delivery_id"], unique=False)
        batch.create_foreign_key(
            "runs_delivery_id_fkey", "deliveries", ["delivery_id"], ["id"], ondelete="SET NULL"
        )
    op.execute(
        "UPDATE runs SET delivery_id = (SELECT d.id FROM deliveries d WHERE d.run_id = runs.id)"
    )

    with op.batch_alter_table("deliveries", naming_convention=NAMES) as batch:
        batch.add_column(sa.Column("event", sa.String(40), nullable=False, server_default="push"))
        batch.add_column(sa.Column("outcome", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("headers", sa.JSON(), nullable=False, server_default="{}"))
        batch.add_column(sa.Column("body", sa.LargeBinary(), nullable=True))
        batch.add_column(sa.Column("digest", sa.String(length=64), nullable=True))
        batch.create_unique_constraint("deliveries_hook_id_digest_key", ["hook_id", "digest"])
        batch.add_column(sa.Column("redelivery_of", sa.Integer(), nullable=True))
        batch.drop_constraint("deliveries_run_id_fkey", type_="foreignkey")
        batch.drop_column("run_id")
        batch.create_index("deliveries_by_moment", ["hook_id", "received_at"], unique=False)

    with op.batch_alter_table("hooks") as batch:
        batch.add_column(sa.Column("project_id", sa.Integer(), nullable=True))
        # Hooks of before took GitHub's way of signing and Gitea's, which a generic one takes too.
        batch.add_column(
            sa.Column("scheme", sa.String(20), nullable=False, server_default="github")
        )
        batch.add_column(sa.Column("sealed_before", sa.LargeBinary(), nullable=True))
        batch.add_column(sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("forge_id", sa.String(length=100), nullable=True))
    op.execute(
        "UPDATE hooks SET project_id = "
        "(SELECT e.project_id FROM environments e WHERE e.id = hooks.environment_id)"
    )
    with op.batch_alter_table("hooks", naming_convention=NAMES) as batch:
        batch.alter_column("project_id", existing_type=sa.Integer(), nullable=False)
        batch.drop_constraint("hooks_environment_id_fkey", type_="foreignkey")
        batch.create_foreign_key(
            "hooks_project_id_fkey", "projects", ["project_id"], ["id"], ondelete="CASCADE"
        )
        batch.drop_column("environment_id")
