"""What every host has."""

packages = [
    "ca-certificates",
    "debian-archive-keyring",
    "debootstrap",
    "git",
    "iptables",
    "openssh-client",
    "restic",
]
docker_packages = ["docker.io", "iptables"]
# Where Debian has them and the engine's own brings none.
docker_client_packages = ["docker-cli"]
redis_packages = ["redis-server"]
postgres_packages = ["postgresql"]
docker_daemon = {
    "log-driver": "local",
    "log-opts": {"max-size": "10m", "max-file": "3"},
    "live-restore": True,
    # Docker's own pools are used up by thirty networks, and each environment has one.
    "default-address-pools": [
        {"base": "172.16.0.0/12", "size": 20},
        {"base": "192.168.0.0/16", "size": 24},
    ],
}
redis_memory = "64mb"
# For the sample and the tests.
library_packages = ["docker-registry"]
testing_packages = [
    "age",
    "chromium",
    "gcc",
    "git-lfs",
    "iproute2",
    "libc6-dev",
    "openssh-client",
    "openssh-server",
    "postgresql",
    "redis-server",
]
