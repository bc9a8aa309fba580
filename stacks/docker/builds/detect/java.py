"""Java: Maven or Gradle, with or without their wrappers."""

from __future__ import annotations

import re

from stacks.docker.builds.detect.dockerfile import Dockerfile, shell
from stacks.docker.builds.detect.folder import Folder
from stacks.docker.builds.detect.model import Detected, Source
from stacks.docker.builds.detect.versions import exact, first_line, tool_version

DEFAULT = 21
SUPPORTED = (8, 11, 17, 21, 25)
PORT = 8080
GRADLE_FILES = ("build.gradle.kts", "build.gradle")
PROPERTY = re.compile(
    r"<(?:java\.version|maven\.compiler\.release|maven\.compiler\.source|release)>\s*"
    r"(?:1\.)?([0-9]{1,2})\s*</"
)
GRADLE = re.compile(
    r"JavaLanguageVersion\.of\(\s*([0-9]{1,2})\s*\)|jvmToolchain\(\s*([0-9]{1,2})\s*\)"
    r"|sourceCompatibility\s*=\s*[\"']?(?:JavaVersion\.VERSION_)?(?:1[._])?([0-9]{1,2})\b"
)
# Spring and Quarkus read properties, other programs $PORT.
RUN = "exec java -Dserver.port=$PORT -Dquarkus.http.port=$PORT -jar {jar}"
PICK = (
    "find {folder} -maxdepth 1 -name '*.jar' ! -name '*-plain.jar' ! -name '*-sources.jar' "
    "! -name '*-javadoc.jar' ! -name 'original-*.jar' | sort | head -n 1 | xargs -I FILE cp FILE /out/app.jar "
    "&& test -f /out/app.jar"
)


def marker(folder: Folder) -> str | None:
    """Return the build file of Maven or Gradle."""
    return folder.first("pom.xml", *GRADLE_FILES)


def write(source: Source) -> Detected:
    """Write a Dockerfile that builds with a JDK and runs with a JRE."""
    folder = source.folder
    version, notices = java_version(folder)
    maven = folder.has("pom.xml")
    dockerfile = Dockerfile()
    if maven:
        jar, tool = build_maven(dockerfile, folder, version)
    else:
        jar, tool = build_gradle(dockerfile, folder, version)
    dockerfile.stage(f"eclipse-temurin:{version}-jre")
    dockerfile.app_user()
    dockerfile.env(PORT=str(PORT))
    dockerfile.add("COPY --from=build --chown=app:app /out ./", "USER app")
    command = RUN.format(jar=jar) if jar else "exec bin/app"
    dockerfile.cmd(shell(source.process or command))
    return Detected(dockerfile.text(), f"Java {version}: {marker(folder)}, {tool}", notices, PORT)


def build_maven(dockerfile: Dockerfile, folder: Folder, version: int) -> tuple[str, str]:
    """Append the Maven build; returns the jar to run and what built it."""
    wrapper = folder.has("mvnw") and folder.has(".mvn/wrapper/maven-wrapper.properties")
    dockerfile.stage(
        f"eclipse-temurin:{version}-jdk" if wrapper else f"maven:3-eclipse-temurin-{version}",
        "build",
    )
    dockerfile.add("WORKDIR /src", "COPY . .")
    command = "sh ./mvnw" if wrapper else "mvn"
    quarkus = "quarkus-maven-plugin" in folder.text("pom.xml")
    collect = "cp -r target/quarkus-app/. /out/" if quarkus else PICK.format(folder="target")
    dockerfile.run(
        f"{command} --batch-mode -DskipTests package",
        "mkdir -p /out",
        collect,
        caches=["/root/.m2"],
    )
    jar = "quarkus-run.jar" if quarkus else "app.jar"
    return jar, "Maven wrapper" if wrapper else "Maven"


def build_gradle(dockerfile: Dockerfile, folder: Folder, version: int) -> tuple[str, str]:
    """Append the Gradle build; returns the jar to run (empty: a start script) and what built it."""
    wrapper = folder.has("gradlew") and folder.has("gradle/wrapper/gradle-wrapper.jar")
    dockerfile.stage(
        f"eclipse-temurin:{version}-jdk" if wrapper else f"gradle:9-jdk{max(version, 17)}", "build"
    )
    dockerfile.env(GRADLE_USER_HOME="/root/.gradle")
    dockerfile.add("WORKDIR /src", "COPY . .")
    text = "".join(folder.text(name) for name in GRADLE_FILES)
    spring = "org.springframework.boot" in text
    application = not spring and re.search(r"\bapplication\b", text)
    task, jar = ("bootJar", "app.jar") if spring else ("build -x test", "app.jar")
    collect = [PICK.format(folder="build/libs")]
    if application:
        task, jar = "installDist", ""
        collect = [
            "cp -r build/install/*/. /out/",
            "rm -f /out/bin/*.bat",
            "mv /out/bin/* /out/bin/app",
        ]
    command = "sh ./gradlew" if wrapper else "gradle"
    dockerfile.run(
        f"{command} --no-daemon {task}", "mkdir -p /out", *collect, caches=["/root/.gradle"]
    )
    return jar, "Gradle wrapper" if wrapper else "Gradle"


def java_version(folder: Folder) -> tuple[int, tuple[str, ...]]:
    """Return the oldest supported release that can build the project, and notices."""
    properties = re.search(
        r"(?m)^java\.runtime\.version\s*=\s*(?:1\.)?([0-9]{1,2})\b",
        folder.text("system.properties"),
    )
    wanted = properties[1] if properties else exact(first_line(folder.text(".java-version")))
    wanted = wanted or tool_version(folder.text(".tool-versions").replace("temurin-", ""), "java")
    found = PROPERTY.search(folder.text("pom.xml")) if not wanted else None
    if found:
        wanted = found[1]
    for name in GRADLE_FILES:
        found = GRADLE.search(folder.text(name)) if not wanted else None
        wanted = (found[1] or found[2] or found[3]) if found else wanted
    if not wanted:
        return DEFAULT, ()
    number = int(wanted.split(".")[0]) if not wanted.startswith("1.") else int(wanted.split(".")[1])
    version = next((release for release in SUPPORTED if release >= number), None)
    if version == number:
        return version, ()
    if version:
        return version, (f"Java {number} has no long-term support. Java {version} is used.",)
    return SUPPORTED[-1], (f"Java {number} is not known. Java {SUPPORTED[-1]} is used.",)
