"""Images that registries gave to projects, and images that were built for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "project_images",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("image_id", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=True),
        sa.Column("bases", sa.JSON(), nullable=False),
        sa.Column("fetched", sa.Boolean(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "project_images_by_host",
        "project_images",
        ["project_id", "host_id", "kind", "name"],
        unique=True,
    )
    # To a unique index, no NULL equals another one.
    op.create_index(
        "project_images_here",
        "project_images",
        ["project_id", "kind", "name"],
        unique=True,
        sqlite_where=sa.text("host_id IS NULL"),
        postgresql_where=sa.text("host_id IS NULL"),
    )
    op.create_index("project_images_by_image", "project_images", ["image_id"])
