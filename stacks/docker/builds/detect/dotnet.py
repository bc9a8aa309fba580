""".NET: one C#, F# or Visual Basic project."""

from __future__ import annotations

import re

from stacks.docker.builds.detect.dockerfile import Dockerfile, shell
from stacks.docker.builds.detect.folder import Folder
from stacks.docker.builds.detect.model import Detected, Source
from stacks.errors import PortwrightError

DEFAULT = "10.0"
PORT = 8080
REGISTRY = "mcr.microsoft.com/dotnet"
SUFFIXES = (".csproj", ".fsproj", ".vbproj")
FRAMEWORK = re.compile(r"<TargetFrameworks?>\s*net([0-9]{1,2}\.[0-9])\b")
ASSEMBLY = re.compile(r"<AssemblyName>\s*([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})\s*</")
WEB = "Microsoft.NET.Sdk.Web"
# Projects of a solution that do not run by themselves.
TESTS = re.compile(r"(?i)tests?$")


def projects(folder: Folder) -> list[str]:
    """Return the projects of the folder, else of its folders and of `src`."""
    places = [".", *folder.folders(), *folder.folders("src")]
    for group in (places[:1], places[1:]):
        found = [
            name for place in group for suffix in SUFFIXES for name in folder.names(suffix, place)
        ]
        if found:
            return sorted(found)
    return []


def marker(folder: Folder) -> str | None:
    """Return a project file, or a solution beside folders with projects."""
    direct = [name for suffix in SUFFIXES for name in folder.names(suffix)]
    solutions = [*folder.names(".sln"), *folder.names(".slnx")]
    return next(iter([*direct, *(solutions if projects(folder) else [])]), None)


def write(source: Source) -> Detected:
    """Write a Dockerfile that publishes the project for the ASP.NET or the .NET runtime."""
    folder = source.folder
    project = choose_project(folder, source.service)
    text = folder.text(project)
    version = FRAMEWORK.search(text)
    tag = version[1] if version else DEFAULT
    assembly = ASSEMBLY.search(text)
    name = assembly[1] if assembly else project.rpartition("/")[2].rpartition(".")[0]
    web = WEB in text
    dockerfile = Dockerfile()
    dockerfile.stage(f"{REGISTRY}/sdk:{tag}", "build")
    dockerfile.add("WORKDIR /src")
    settings = ("Directory.Build.props", "Directory.Packages.props", "NuGet.Config", "nuget.config")
    if "ProjectReference" in text or folder.first(*settings):
        dockerfile.add("COPY . .")
    else:
        dockerfile.add(f"COPY {project} {project}")
    caches = ["/root/.nuget/packages"]
    dockerfile.run(f"dotnet restore {project}", caches=caches)
    dockerfile.add("COPY . .")
    dockerfile.run(
        f"dotnet publish {project} --configuration Release --output /out -p:UseAppHost=false",
        caches=caches,
    )
    dockerfile.stage(f"{REGISTRY}/{'aspnet' if web else 'runtime'}:{tag}")
    dockerfile.add("WORKDIR /app")
    if web:
        dockerfile.env(PORT=str(PORT))
    # The number of the images' own user `app`, which images before .NET 8 do not have.
    dockerfile.add("COPY --from=build /out ./", "USER 1654")
    command = f"exec dotnet {name}.dll"
    if source.process:
        dockerfile.cmd(shell(source.process))
    elif web:
        dockerfile.cmd(shell(f"ASPNETCORE_URLS=http://0.0.0.0:$PORT {command}"))
    else:
        dockerfile.cmd(["dotnet", f"{name}.dll"])
    kind = "ASP.NET" if web else "console program"
    return Detected(dockerfile.text(), f".NET {tag}: {project}, {kind}", port=PORT if web else None)


def choose_project(folder: Folder, service: str) -> str:
    """Return the project to publish: the service's, the only one, or the only web project."""
    found = [name for name in projects(folder) if not TESTS.search(name.rpartition(".")[0])]
    stems = {name.rpartition("/")[2].rpartition(".")[0].lower(): name for name in found}
    web = [name for name in found if WEB in folder.text(name)]
    if service.lower() in stems:
        return stems[service.lower()]
    for group in (found, web):
        if len(group) == 1:
            return group[0]
    raise PortwrightError(
        f"The folder has {len(found)} .NET projects, and none is named {service}",
        remedy="Set `build.context` to the project's folder, or commit a Dockerfile.",
        path="build",
    )
