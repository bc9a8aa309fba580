"""What every host has that `portwright bootstrap` looks after. `inventory/hosts.py` may say otherwise:

hosts = {"203.0.113.5": {"settings": {"DATABASE": "sqlite"}, "open_tcp": [22, 80, 443, 51820]}}
"""

# `host`: all of Portwright; `node`: Docker and Traefik, for a portal on another host to deploy to.
role = "host"

# PORTWRIGHT_* of the host; docs/architecture.md lists them.
settings = {
    "HOME": "/var/lib/portwright",
    "CACHE": "/var/cache/portwright",
    "BIND": "0.0.0.0",
    "HTTP_PORT": 80,
    "DATABASE": "postgres",
    "SAMPLE": "no",
}

system_packages = [
    "ca-certificates",
    "fail2ban",
    "python3-systemd",
    "python3-venv",
    "unattended-upgrades",
]
time_packages = ["systemd-timesyncd"]
firewall_packages = ["nftables"]
metrics_packages = ["prometheus-node-exporter"]

timezone = "Etc/UTC"
swap_mb = 1024

# sshd_config(5); the first value that sshd reads counts, and ours is read first.
sshd = {
    "PermitRootLogin": "prohibit-password",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "PermitEmptyPasswords": "no",
    "MaxAuthTries": "4",
    "LoginGraceTime": "30",
    "MaxStartups": "10:30:60",
    "X11Forwarding": "no",
    "AllowAgentForwarding": "no",
    "ClientAliveInterval": "300",
    "ClientAliveCountMax": "2",
}
guard_seconds = 120

open_tcp = [80, 443]
open_udp = [443]
# Interfaces whose traffic is let through: a private network, a tunnel.
trusted_interfaces = []
ssh_new_per_minute = 30

docker_host = {
    "log-driver": "local",
    "log-opts": {"max-size": "10m", "max-file": "3"},
    "live-restore": True,
    "default-address-pools": [
        {"base": "172.16.0.0/12", "size": 20},
        {"base": "192.168.0.0/16", "size": 24},
    ],
}
# Root in a container is then nobody outside; volumes made before that become unreadable.
docker_userns = False

unit_memory = {
    "portal": "40%",
    "worker": "70%",
    "traefik": "40%",
    "redis": "128M",
    "certificates": "384M",
}
domains = []
