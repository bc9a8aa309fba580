"""A picture of who needs whom: services in layers, the first to start on the left. SVG 1.1."""

from __future__ import annotations

from html import escape

from stacks.graph import layers
from stacks.spec import ServiceSpec, Spec

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 64, 80, 22, 16
STYLE = """\
.box { fill: #ffffff; stroke: #94a3b8; } .job { stroke-dasharray: 5 3; }
.name { font: 600 14px system-ui, sans-serif; fill: #0f172a; }
.note { font: 12px system-ui, sans-serif; fill: #475569; }
.edge { fill: none; stroke: #64748b; stroke-width: 1.5; } .cascade { stroke: #b45309; }
@media (prefers-color-scheme: dark) {
  .box { fill: #1e293b; stroke: #64748b; } .name { fill: #f1f5f9; } .note { fill: #cbd5e1; }
}
"""


def picture(spec: Spec) -> str:
    """The SVG's text. An orange edge cascades: what it leads to is replaced with its origin."""
    depths = layers({name: each.depends_on for name, each in spec.services.items()})
    columns: dict[int, list[str]] = {}
    for name, depth in sorted(depths.items()):
        columns.setdefault(depth, []).append(name)
    places = {
        name: (MARGIN + depth * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y))
        for depth, names in columns.items()
        for row, name in enumerate(names)
    }
    width = 2 * MARGIN + len(columns) * (WIDTH + GAP_X) - GAP_X
    height = 2 * MARGIN + max(map(len, columns.values())) * (HEIGHT + GAP_Y) - GAP_Y
    title = escape(f"Services of {spec.project} in {spec.environment}")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            '<defs><marker id="end" markerWidth="8" markerHeight="8" refX="7" refY="4" '
            'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#64748b"/></marker></defs>',
            *(
                edge(
                    places[other],
                    places[name],
                    f"{name} needs {other} {need.condition}",
                    need.cascade,
                )
                for name, service in sorted(spec.services.items())
                for other, need in sorted(service.depends_on.items())
            ),
            *(box(places[name], name, service) for name, service in sorted(spec.services.items())),
            "</svg>",
            "",
        ]
    )


def box(place: tuple[int, int], name: str, service: ServiceSpec) -> str:
    x, y = place
    job = " job" if service.once or service.cron else ""
    shown = name if len(name) <= 22 else name[:21] + "…"
    return (
        f"<g><title>{escape(name)}: {escape(note(service))}</title>"
        f'<rect class="box{job}" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
        f'<text class="name" x="{x + 14}" y="{y + 27}">{escape(shown)}</text>'
        f'<text class="note" x="{x + 14}" y="{y + 47}">{escape(note(service)[:26])}</text></g>'
    )


def note(service: ServiceSpec) -> str:
    if service.cron:
        return f"cron {service.cron}"
    if service.once:
        return "job, once per change"
    told = [f"port {service.port}"] if service.port else []
    told += [f"{service.replicas} replicas"] if service.replicas > 1 else []
    told += ["volume"] if service.volumes else []
    return ", ".join(told) or "no port"


def edge(origin: tuple[int, int], target: tuple[int, int], title: str, cascade: bool) -> str:
    x1, y1 = origin[0] + WIDTH, origin[1] + HEIGHT // 2
    x2, y2 = target[0], target[1] + HEIGHT // 2
    bend = max(30, (x2 - x1) // 2)
    kind = "edge cascade" if cascade else "edge"
    path = f"M{x1},{y1} C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}"
    return f'<path class="{kind}" d="{path}" marker-end="url(#end)"><title>{escape(title)}</title></path>'
