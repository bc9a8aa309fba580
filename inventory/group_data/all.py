"""What every host has."""

packages = ["ca-certificates", "debootstrap", "git", "iptables"]
docker_packages = ["docker.io", "iptables"]
redis_packages = ["redis-server"]
postgres_packages = ["postgresql"]
docker_daemon = {
    "log-driver": "local",
    "log-opts": {"max-size": "10m", "max-file": "3"},
    "live-restore": True,
}
redis_memory = "64mb"
testing_packages = ["age", "chromium", "docker-registry", "iproute2", "postgresql", "redis-server"]
